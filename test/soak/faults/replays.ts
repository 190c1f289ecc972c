import type { StreamRecord } from '../../../infra/local/streams/records.ts'
import type { Ground } from '../ground.ts'
import type { Random } from '../random.ts'
import type { Tape } from '../tape.ts'

/** Old events, delivered to the back-sync function once more, beside what the event source mapping delivers. */
export const replays = {
  /** The latest batch, as it was. */
  'duplicate batch': (tape: Tape, random: Random) => [tape.latest(random.int(1, 200))],
  /** What was long applied, and overwritten since. */
  'repeated old batch': (tape: Tape, random: Random) => [tape.old(random.int(20, 300))],
  /** In pieces, at the same time. */
  'sliced redelivery': (tape: Tape, random: Random) => {
    const records = tape.latest(random.int(30, 200))
    const size = Math.max(1, Math.ceil(records.length / 3))
    return [0, 1, 2].map((part) => records.slice(part * size, (part + 1) * size))
  },
  /** In another order, each half for itself: the later one may be first. */
  'reordered redelivery': (tape: Tape, random: Random) => {
    const records = random.shuffle(tape.old(random.int(30, 200)))
    const middle = Math.floor(records.length / 2)
    return [records.slice(middle), records.slice(0, middle)]
  },
  /** With creation times of another year. */
  'clock jump in the stream': (tape: Tape, random: Random) => {
    const years = random.pick([-30, -1, 1, 8])
    return [
      tape.old(random.int(20, 150)).map((record): StreamRecord => {
        const created = record.dynamodb.ApproximateCreationDateTime + years * 31_557_600
        return { ...record, dynamodb: { ...record.dynamodb, ApproximateCreationDateTime: created } }
      }),
    ]
  },
} as const satisfies Readonly<Record<string, (tape: Tape, random: Random) => StreamRecord[][]>>

export type Replay = keyof typeof replays

/** A lambda event takes 6 MiB. */
const MOST_BYTES = 5 * 1024 * 1024

/** @returns whether the function has taken at least one of the batches; one that failed on another fault counts too */
export const replay = async (
  ground: Ground,
  functionName: string,
  batches: readonly (readonly StreamRecord[])[],
): Promise<boolean> => {
  const delivered = await Promise.all(
    batches.map(async (batch) => {
      const records = fitting(batch)
      if (records.length === 0) return false
      await ground.stack.invoke(functionName, { Records: records })
      return true
    }),
  )
  return delivered.includes(true)
}

const fitting = (records: readonly StreamRecord[]): StreamRecord[] => {
  let left = MOST_BYTES
  return records.filter((record) => {
    left -= JSON.stringify(record).length + 1
    return left >= 0
  })
}
