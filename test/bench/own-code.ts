import type { Change } from '../../functions/bridge/model/change.ts'
import { DecimalText } from '../../functions/bridge/model/values.ts'
import { startTestServers } from '../support/servers.ts'
import { median } from './data-api/measure.ts'

/*
 * What an entity's own code costs the way back: changes a second in batches of a hundred, half of them new, half of them changed, of a
 * plain entity (the baseline, in the same run), of each shape of hooks, and of one that a function of the team's own writes. Prints
 * a JSON line for each; what limits the last is the local Lambda, which runs one call at a time in each of its processes.
 */

const BATCH = 100
const ROUNDS = 7

const run = async (): Promise<void> => {
  // They read at once where the servers are.
  const { openTestAurora } = await import('../support/aurora.ts')
  const { chef } = await import('../fixtures/entities/chef.ts')
  const { createOwnCode, ownCodes } = await import('../functions/fixtures/own-code/index.ts')
  const { openTestFunctions } = await import('../functions/bridge/legacy-function/harness.ts')
  const { platterOf, platterTables } = await import('../functions/bridge/legacy-function/platters.ts')
  const shapes = ownCodes.filter(([name]) =>
    ['a derived column', 'two tables', 'stored procedures'].includes(name),
  )
  const aurora = await openTestAurora({ owned: ['chef', ...shapes.map(([, { entity }]) => entity.name)] })
  for (const [, own] of shapes) await createOwnCode(aurora.legacy, own)
  const platter = platterOf()
  const functions = await openTestFunctions([platter], {
    platters: { handler: 'platters.handler', timeout: 10 },
  })
  for (const statement of platterTables) await functions.aurora.legacy.query(statement)

  const at = new Date().toISOString()
  const ways = [
    {
      name: 'plain',
      entity: chef,
      writer: aurora.writer,
      row: (n: number, version: number) => ({ firstName: `Chef ${n}`, lastName: `v${version}` }),
    },
    ...shapes.map(([name, own]) => ({
      name,
      entity: own.entity,
      writer: aurora.writer,
      row: (n: number, version: number) => own.row(own.key(n), `v${version}`),
    })),
    {
      name: 'a function of its own',
      entity: platter,
      writer: functions.open().writer,
      row: (n: number, version: number) => ({
        title: `Platter ${n} v${version}`,
        size: new DecimalText('1'),
      }),
    },
  ]
  const rates = new Map<string, number[]>()
  for (let round = 0; round <= ROUNDS; round++)
    for (const { name, entity, writer, row } of ways) {
      const keyOf = (n: number): string => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`
      const batch = (version: number): Change[] =>
        Array.from({ length: BATCH }, (_, place): Change => {
          const n = round * BATCH + place
          const change = {
            entity: entity.name,
            key: keyOf(n),
            version: BigInt(version),
            source: 'stream',
            at,
          }
          return { ...change, op: 'upsert', row: row(n, version) }
        })
      const begun = performance.now()
      for (const version of [1, 2]) {
        const { refused, applied } = await writer.applyIsolating(entity, batch(version))
        if (refused[0] !== undefined) throw refused[0].error
        if (applied !== BATCH) throw new Error(`${name}: ${applied} of ${BATCH} were applied`)
      }
      // The first round warms up.
      if (round > 0)
        rates.set(name, [...(rates.get(name) ?? []), (2 * BATCH * 1000) / (performance.now() - begun)])
    }
  const baseline = median(rates.get('plain') ?? [])
  for (const { name } of ways) {
    const value = median(rates.get(name) ?? [])
    process.stdout.write(
      `${JSON.stringify({
        name: `own code: ${name}, batches of ${BATCH}`,
        value: Math.round(value),
        unit: 'changes/s',
        baseline: Math.round(baseline),
        limit: Math.round(baseline),
        ratio: Number((value / baseline).toFixed(3)),
      })}\n`,
    )
  }
  await Promise.all([aurora.close(), functions.close()])
}

const servers = await startTestServers(process.env, ['mysql', 'dynamodb'])
try {
  await run()
} finally {
  await servers.stop()
}
