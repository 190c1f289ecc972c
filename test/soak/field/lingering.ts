import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import * as z from 'zod'
import type { Ground, SoakEntity } from '../ground.ts'
import { openParking } from '../write-back.ts'

/** How often is looked, in milliseconds. */
const EVERY = 1_000

/**
 * Keeps for how long each key has been parked at once, at most, until the signal aborts.
 *
 * What waits can't go on before what it waits for has been delivered, which takes as long as a server is down, or a machine
 * busy. So it is measured in the streams' own time: how much of what was written after a key was parked has been delivered
 * while it still was. Without faults and load that is the time of a clock.
 *
 * @param deliveredUpTo the streams' time, in milliseconds of `performance.now()`
 * @returns milliseconds by entity and key
 */
export const watchParked = async (
  ground: Ground,
  {
    entities,
    deliveredUpTo,
  }: { readonly entities: readonly SoakEntity[]; readonly deliveredUpTo: () => Promise<number> },
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> => {
  const parking = openParking(ground)
  const longest = new Map<string, number>()
  const since = new Map<string, number>()
  while (!signal.aborted) {
    // Before the look at what is parked: what is there afterwards was so when that had been delivered.
    const delivered = await deliveredUpTo()
    const there = new Set<string>()
    for (const entity of entities)
      for (const key of (await parking.parkedOf(entity)).keys()) there.add(nameOf(entity, key))
    const now = performance.now()
    for (const name of there) {
      const from = since.get(name) ?? now
      since.set(name, from)
      longest.set(name, Math.max(longest.get(name) ?? 0, Math.round(delivered - from)))
    }
    for (const name of since.keys()) if (!there.has(name)) since.delete(name)
    await wait(EVERY)
  }
  return longest
}

export const nameOf = (entity: SoakEntity, key: string): string => `${entity} ${key}`

const parkedLine = z.object({
  message: z.literal('parked'),
  entity: z.string(),
  key: z.string(),
  code: z.string(),
})

/**
 * What the function that follows the streams has said of keys that it has set aside as bad, for which somebody is called. What
 * merely waits it doesn't call so.
 *
 * @returns codes by entity and key
 */
export const readCalledBad = async ({ stack, backSync }: Ground): Promise<ReadonlyMap<string, string>> => {
  const log = await readFile(join(stack.home, 'logs', `${backSync}.log`), 'utf8')
  const lines = log.split('\n').filter((line) => line.startsWith('{') && line.includes('"parked"'))
  return new Map(
    lines.flatMap((line) => {
      const { data } = parkedLine.safeParse(JSON.parse(line))
      return data === undefined ? [] : [[`${data.entity} ${data.key}`, data.code] as const]
    }),
  )
}
