import { setTimeout as wait } from 'node:timers/promises'
import { processes } from '../support/processes.ts'
import { comesTrue } from './faults/until-true.ts'
import type { Ground } from './ground.ts'
import { readPositions } from './positions.ts'
import type { Tape } from './tape.ts'

/**
 * Waits until nothing moves any more: every statement has landed, the streams are read to their ends, and the event
 * source mappings' checkpoints stand there, which they do once each batch is done with.
 *
 * @param landedAt when the last statement that was held back lands, in milliseconds of `performance.now()`
 * @throws Error when it isn't quiet, and no stream was got on with, for so long as `within` says, in milliseconds
 */
export const becomeQuiet = async (
  ground: Ground,
  tapes: readonly Tape[],
  { landedAt, within }: { readonly landedAt: number; readonly within: number },
): Promise<void> => {
  await wait(Math.max(0, landedAt - performance.now()))
  const drained = async (): Promise<boolean> => {
    let count = 0
    for (const tape of tapes) count += await tape.read()
    return count === 0 && (await areAtEnd(ground, tapes)) && (await isIdle(ground))
  }
  for (;;) {
    const before = await progressOf(ground)
    // Twice in a row: the first look may have come between two writes.
    if (await comesTrue(within, async () => (await drained()) && (await drained()))) return
    if ((await progressOf(ground)) === before)
      throw new Error(
        `the stack is not quiet after ${within / 1000} s:\n${ground.logged.slice(-20).join('\n')}`,
      )
  }
}

/** How far the streams were delivered: a machine may be busy. */
const progressOf = async (ground: Ground): Promise<string> =>
  [...(await readPositions(ground)).values()].flatMap((shards) => [...shards.values()]).join()

const areAtEnd = async (ground: Ground, tapes: readonly Tape[]): Promise<boolean> => {
  const positions = await readPositions(ground)
  return tapes.every(({ ends, streamArn }) => {
    const after = positions.get(streamArn)
    return [...ends].every(([shard, end]) => (after?.get(shard) ?? 0n) >= BigInt(end))
  })
}

/** Whether no statement of the functions runs on the server. */
const isIdle = async (ground: Ground): Promise<boolean> => {
  const sql = await ground.sql()
  try {
    const busy = (await processes(sql)).filter(
      ({ command, user }) => (command === 'Query' || command === 'Execute') && user !== 'root',
    )
    return busy.length === 0
  } finally {
    await sql.end()
  }
}
