import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { CopyRequest } from '../../../../functions/bridge/copy/copy-request.ts'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { Random } from '../../../soak/random.ts'
import { times } from '../../../support/runs.ts'
import { type FaultyDynamo, startFaultyDynamo, withFaults } from '../jobs/faulty-dynamo.ts'
import { idsOf, itemsOf, type JobTables, openJobTables, readAll } from '../jobs/job-tables.ts'
import { planAndCopy } from './plan-and-copy.ts'

const script = fileURLToPath(new URL('./copying-process.ts', import.meta.url))
const ITEMS = 5_000
const OLD = 1_500
const SEGMENTS = 2
/** As `copy-steps.ts` has it. */
const PAGE = 1_000

/** Another call each time, but for a round of `npm run prove`, which can be repeated. */
const random = new Random(process.env.BACKSYNC_SEED ?? randomUUID())

let tables: JobTables
beforeAll(async () => {
  tables = await openJobTables()
})
afterAll(() => tables.close())

/** Runs a copy in a process of its own, behind a proxy that kills it as the call of that number arrives. */
const runAndKill = async (
  request: CopyRequest,
  at: number,
  of: 'PutRequest' | 'DeleteRequest',
): Promise<number> => {
  let calls = 0
  let proxy: FaultyDynamo | undefined
  try {
    proxy = await startFaultyDynamo(({ operation, body }) => {
      if (operation === 'BatchWriteItem' && body.includes(of) && ++calls === at) child.kill('SIGKILL')
      return 'none'
    })
    const child = spawn(
      process.execPath,
      [script, proxy.endpoint, tables.jobsTable, JSON.stringify(request)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const [code, signal]: unknown[] = await once(child, 'exit')
    expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' })
    return calls
  } finally {
    await proxy?.close()
  }
}

describe('a copy that is killed', () => {
  const kinds = ['DeleteRequest', 'PutRequest'] as const
  it.each(Array.from({ length: times(1) }, () => kinds).flat())(
    'at any %s goes on where it stood, with at most one page of each segment again',
    async (of) => {
      const [from, to] = [await tables.create(), await tables.create()]
      await tables.put(from, itemsOf(ITEMS))
      await tables.put(
        to,
        Array.from({ length: OLD }, (_, n): Item => ({ id: { S: `old-${n}` } })),
      )
      const request = {
        sourceTableName: from,
        destinationTableName: to,
        cleanupDestinationTable: true,
        migrate: true,
        segments: SEGMENTS,
      }
      const calls = (of === 'DeleteRequest' ? OLD : ITEMS) / 25
      const at = random.int(1, calls)
      await runAndKill(request, at, of)

      // Nobody renews the lease of a dead process; an hour later it is over.
      const jobs = tables.jobs({ now: () => Date.now() + 3_600_000 })
      await withFaults(
        () => 'none',
        async (client, { seen }) => {
          const report = await planAndCopy(request, {
            clients: { source: client, destination: client },
            jobs,
            deadline: new Deadline(),
            by: 'whoever comes next',
          })
          const written = (word: string): number =>
            seen
              .filter(({ operation }) => operation === 'BatchWriteItem')
              .reduce((sum, { body }) => sum + body.split(`"${word}"`).length - 1, 0)

          expect({ at, ...report }).toMatchObject({
            at,
            source: { items: ITEMS },
            equal: true,
            done: true,
            refused: [],
          })
          expect(idsOf(await readAll(tables.client, to))).toEqual(idsOf(itemsOf(ITEMS)))
          if (of === 'PutRequest') {
            // What is copied is not cleaned up by the resumption, and not all is copied again.
            expect(written('DeleteRequest')).toBe(0)
            expect(written('PutRequest')).toBeLessThanOrEqual(ITEMS - (at - 1) * 25 + SEGMENTS * PAGE)
          } else expect(written('DeleteRequest')).toBeLessThanOrEqual(OLD)
        },
      )
    },
    60_000,
  )
})
