import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import type { Ground } from './ground.ts'

/** Up to which sequence number an event source mapping is done, by shard. */
export type Positions = ReadonlyMap<string, bigint>

const checkpointFile = z.object({
  streamArn: z.string(),
  shards: z.record(z.string(), z.object({ after: z.string().optional() })),
})

/** How far the event source mappings of the stack are, by stream. */
export const readPositions = async ({ stack }: Ground): Promise<ReadonlyMap<string, Positions>> => {
  const folder = join(stack.home, 'checkpoints')
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json'))
  const checkpoints = await Promise.all(
    files.map(async (name) => checkpointFile.parse(JSON.parse(await readFile(join(folder, name), 'utf8')))),
  )
  return new Map(
    checkpoints.map(({ streamArn, shards }) => [
      streamArn,
      new Map(
        Object.entries(shards).flatMap(([shard, { after }]) =>
          after === undefined ? [] : [[shard, BigInt(after)] as const],
        ),
      ),
    ]),
  )
}
