import { setTimeout as wait } from 'node:timers/promises'
import { startFaultProxy } from '../../support/fault-proxy.ts'
import type { Line } from '../back-sync/line.ts'
import { median } from '../data-api/measure.ts'
import { smallItems } from './items.ts'
import { openCopier } from './ours.ts'
import { inRounds, ratioOf } from './rounds.ts'
import { clientOf, ownClientOf, type Stage } from './stage.ts'
import { copySequentially, copyUnbounded, fill } from './ways.ts'

/*
 * What the emulator can't show: between AWS and its callers is a network, and a call takes some ten milliseconds, however
 * fast the table is. Each call waits here for so long before it is passed on.
 */

/** Milliseconds that each call is under way. */
const DISTANCE = 20
const ROUNDS = 3
const GOAL = 5

const ways = ['sequential', 'ours', 'limit'] as const
/** Batches of the limit in flight: as many as the copy's segments. */
const CONCURRENCY = 8

/** A copy over a distance, against the sequential way over the same. */
export const overDistance = async (stage: Stage, items: number): Promise<readonly Line[]> => {
  const workload = smallItems(Math.ceil(items / 10))
  const source = await stage.create()
  await fill(stage.client, source, workload)
  const proxy = await startFaultProxy(stage.endpoint, async () => {
    await wait(DISTANCE)
    return 'pass' as const
  })
  const client = clientOf(proxy.endpoint)
  const own = ownClientOf(proxy.endpoint)
  try {
    const copier = await openCopier({ client: own, create: stage.create })
    const bare: number[] = []
    const targets: string[] = []
    const target = async (): Promise<string> => {
      const table = await stage.create()
      targets.push(table)
      return table
    }
    const rates = await inRounds({
      ways,
      rounds: ROUNDS,
      expected: workload.count,
      turns: async () => {
        const [a, b, c] = [await target(), await target(), await target()]
        return {
          sequential: () => copySequentially(client, source, a),
          ours: async () => {
            const { items: copied, ms } = await copier.copy(source, b)
            bare.push((copied * 1000) / ms)
            return copied
          },
          limit: () => copyUnbounded(client, source, c, CONCURRENCY),
        }
      },
    })
    for (const table of targets) await stage.drop(table)
    return [
      {
        name: `copy of ${workload.name}, each call ${DISTANCE} ms away, against one batch of 25 after the other`,
        value: median(bare),
        unit: 'items/s',
        baseline: median(rates.sequential),
        limit: median(rates.limit),
        ratio: ratioOf(bare, rates.sequential),
        ofLimit: ratioOf(bare, rates.limit),
        goal: GOAL,
      },
    ]
  } finally {
    client.destroy()
    own.destroy()
    await proxy.close()
    await stage.drop(source)
  }
}
