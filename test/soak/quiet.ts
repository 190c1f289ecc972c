import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { RowDataPacket } from 'mysql2/promise'
import * as z from 'zod'
import { comesTrue } from './faults/until-true.ts'
import type { Ground } from './ground.ts'
import type { Tape } from './tape.ts'

const checkpointFile = z.object({
  streamArn: z.string(),
  shards: z.record(z.string(), z.object({ after: z.string().optional() })),
})

/**
 * Waits until nothing moves any more: every statement has landed, the streams are read to their ends, and the event
 * source mappings' checkpoints stand there, which they do once each batch is done with.
 *
 * @param landedAt when the last statement that was held back lands, in milliseconds of `performance.now()`
 * @throws Error when it doesn't get quiet within the time, in milliseconds
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
  // Twice in a row: the first look may have come between two writes.
  const quiet = await comesTrue(within, async () => (await drained()) && (await drained()))
  if (!quiet)
    throw new Error(
      `the stack is not quiet after ${within / 1000} s:\n${ground.logged.slice(-20).join('\n')}`,
    )
}

const areAtEnd = async ({ stack }: Ground, tapes: readonly Tape[]): Promise<boolean> => {
  const folder = join(stack.home, 'checkpoints')
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json'))
  const checkpoints = await Promise.all(
    files.map(async (name) => checkpointFile.parse(JSON.parse(await readFile(join(folder, name), 'utf8')))),
  )
  return tapes.every(({ ends, streamArn }) => {
    const shards = checkpoints.find((one) => one.streamArn === streamArn)?.shards ?? {}
    return [...ends].every(([shard, end]) => BigInt(shards[shard]?.after ?? 0) >= BigInt(end))
  })
}

/** Whether no statement of the functions runs on the server. */
const isIdle = async (ground: Ground): Promise<boolean> => {
  const sql = await ground.sql()
  try {
    const [rows] = await sql.query<RowDataPacket[]>(
      "SELECT COUNT(*) AS n FROM information_schema.processlist WHERE command IN ('Query', 'Execute') AND user <> 'root'",
    )
    return Number(rows[0]?.n) === 0
  } finally {
    await sql.end()
  }
}
