import { setTimeout as wait } from 'node:timers/promises'
import type { DynamoFault } from '../dynamodb-proxy.ts'
import { comesTrue } from '../faults/until-true.ts'
import type { Ground } from '../ground.ts'
import type { Random } from '../random.ts'

/* What goes wrong on the way from Aurora to DynamoDB. Movers that die half way are among the writers. */

/** How long a fault waits for a call to hit, in milliseconds. */
const PATIENCE = 4_000
/** What the relay writes with; what the modern API and a claim write with is among it. */
const WRITES = ['UpdateItem', 'BatchExecuteStatement'] as const

/** @returns whether it has hit something */
type Injection = (ground: Ground, random: Random) => Promise<boolean>

/** Sets a fault between the functions and the items of an entity, until it has hit so often or for so long, in milliseconds. */
const ofItems =
  (
    fault: (random: Random) => Omit<DynamoFault, 'table' | 'operations'> & { readonly times: number },
    within = (_: Random): number => PATIENCE,
  ): Injection =>
  async ({ proxy, tables }, random) => {
    let hits = 0
    const { name: table } = tables[random.pick(['chef', 'recipe'] as const)]
    const set = fault(random)
    const end = proxy.add({ ...set, table, operations: WRITES, onHit: () => (hits += 1) })
    await comesTrue(within(random), () => hits >= set.times)
    end()
    return hits > 0
  }

const ALL = 10_000

const mirrorFaults = {
  'the relay crashed in mid-batch': async ({ stack }) =>
    comesTrue(PATIENCE, () => stack.crash(String(stack.outputs.RelayFunctionName), 1) > 0),
  // Longer than the SDK tries again.
  'items throttled': ofItems(
    () => ({ kind: 'throttle', times: ALL }),
    (random) => random.int(1_000, 4_000),
  ),
  'answer lost after an item': ofItems((random) => ({ kind: 'drop-after', times: random.int(1, 8) })),
  // Others read, move and write its key meanwhile.
  'an item written late': ofItems((random) => ({
    kind: 'hold',
    ms: random.int(200, 2_500),
    times: random.int(1, 20),
  })),
} as const satisfies Readonly<Record<string, Injection>>

type MirrorFault = keyof typeof mirrorFaults
// The object's own keys.
const names = Object.keys(mirrorFaults) as readonly MirrorFault[]

/**
 * Injects round after round, each in an order of its own, until the signal aborts.
 *
 * @param pause the longest between two, in milliseconds
 * @returns how often each has hit
 */
export const breakMirror = async (
  ground: Ground,
  random: Random,
  { pause, signal }: { readonly pause: number; readonly signal: AbortSignal },
): Promise<Readonly<Record<MirrorFault, number>>> => {
  const fired = {
    'the relay crashed in mid-batch': 0,
    'items throttled': 0,
    'answer lost after an item': 0,
    'an item written late': 0,
  }
  while (!signal.aborted)
    for (const name of random.shuffle(names)) {
      await wait(10 + random.next() * pause, undefined, { signal }).catch(() => {})
      if (signal.aborted) break
      const hit = await mirrorFaults[name](ground, random)
      if (hit) fired[name] += 1
      ground.note(`fault: ${name}${hit ? '' : ', which hit nothing'}`)
    }
  return fired
}
