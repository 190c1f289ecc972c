import { describe, expect, it } from '@jest/globals'
import { readStatus, type StatusSources } from '../../../../functions/bridge/status/read-status.ts'
import { statusSchema } from '../../../../functions/bridge/status/status.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'

const AT = '2026-11-22T10:00:00.000Z'
const mirrored = { ...chef, mirror: { plainSql: 'refuse' as const } }
const there = { entity: 'chef', name: 'backsync_chef_ai', table: 'cheftable', state: 'there' as const }

const sources: StatusSources = {
  entities: [mirrored, recipe],
  tables: ['users-by-city'],
  ownersKnown: async () => new Map([['chef', AT]]),
  ownerCounts: async () => ({ aurora: 3, dynamo: 4, complete: true }),
  parked: async (name) => ({
    ...{ keys: name === 'recipe' ? 1 : 0, complete: true, waiting: 0, codes: [] },
    ...(name === 'recipe' && { oldest: AT }),
  }),
  log: async () => new Map([['chef', { rows: 2, recorded: 0, oldest: 1_500 }]]),
  triggers: async (all) =>
    all.map((entity) => ({ entity, wanted: [], states: entity.name === 'chef' ? [there] : [] })),
  undelivered: async () => ({ batches: 0, complete: true }),
  migrations: async () => ({
    bridge: [{ name: '0001_a', state: 'applied', appliedAt: AT }],
    team: [{ name: '0001_b', state: 'pending', appliedAt: null }],
  }),
  jobs: async () => [],
  lateness: async () => ({
    toAurora: new Map([['chef', { p50: 40, p99: 90, minutes: 5 }]]),
    toDynamo: new Map(),
    streams: [{ function: 'BackSync', iteratorAge: 10, minutes: 15 }],
  }),
}
const read = (more: Partial<StatusSources> = {}, within?: number) =>
  readStatus({ ...sources, ...more }, { now: new Date(AT), ...(within !== undefined && { within }) })
/** Names of the sources, and what of a status is unknown without each. */
const FAILING = {
  ownersKnown: ['chef owners', 'recipe owners'],
  ownerCounts: ['chef owners', 'recipe owners'],
  parked: [
    ...['chef parked toAurora', 'chef parked toDynamo', 'chef parked conflicts'],
    ...['recipe parked toAurora', 'recipe parked toDynamo', 'recipe parked conflicts', 'users-by-city'],
  ],
  log: ['chef log', 'recipe log'],
  triggers: ['chef stage', 'chef triggers', 'recipe triggers'],
  undelivered: ['undelivered'],
  migrations: ['migrations'],
  jobs: ['jobs'],
  lateness: [
    'chef lag toAurora',
    'chef lag toDynamo',
    'recipe lag toAurora',
    'recipe lag toDynamo',
    'streams',
  ],
  routeOf: ['chef stage', 'recipe stage'],
  lastVerification: ['chef verification', 'recipe verification'],
} as const

type Told = Awaited<ReturnType<typeof read>>
const unknownIn = (status: Told): string[] => {
  const figures: [string, object][] = [
    ...status.entities.flatMap(({ entity, lag, parked, ...rest }): [string, object][] => [
      ...Object.entries(rest).flatMap(([name, of]): [string, object][] =>
        typeof of === 'object' && !Array.isArray(of) && name !== 'next' ? [[`${entity} ${name}`, of]] : [],
      ),
      ...Object.entries(lag).map(([way, of]): [string, object] => [`${entity} lag ${way}`, of]),
      ...Object.entries(parked).map(([way, of]): [string, object] => [`${entity} parked ${way}`, of]),
    ]),
    ...status.tables.map(({ table, parked }): [string, object] => [table, parked]),
    ['undelivered', status.undelivered],
    ['migrations', status.migrations],
    ['jobs', status.jobs],
    ['streams', status.streams],
  ]
  return figures.flatMap(([name, of]) => ('unknown' in of ? [name] : []))
}

describe('the status of a stack', () => {
  it('has of each entity what its sources say', async () => {
    const status = await read()
    const [first, second] = status.entities

    expect(first).toMatchObject({
      ...{ entity: 'chef', mirrored: true, stage: { value: { name: 'mirrored' } } },
      owners: { value: { knownSince: AT, aurora: 3, dynamo: 4, complete: true } },
      lag: { toAurora: { value: { p50: 40, p99: 90 } }, toDynamo: { value: null } },
      ...{ log: { value: { rows: 2 } }, triggers: { value: { there: 1 } }, verification: { value: null } },
      next: { code: 'verification.never' },
    })
    expect(second).toMatchObject({
      ...{
        entity: 'recipe',
        mirrored: false,
        stage: { value: { name: 'legacy' } },
        log: { value: { rows: 0 } },
      },
      owners: { value: { knownSince: null } },
      next: { code: 'owners.unknown' },
    })
    expect(second?.blockers.map(({ code }) => code)).toEqual([
      'owners.unknown',
      'parked',
      'verification.never',
    ])
    expect(status).toMatchObject({
      ...{ schema: 1, at: AT, tables: [{ table: 'users-by-city', parked: { value: { keys: 0 } } }] },
      migrations: { value: { applied: 1, pending: ['0001_b'], interrupted: [] } },
      advice: [{ code: 'migrations.pending' }],
    })
  })

  it('is as the schema has it, whatever is known', async () => {
    const fails = () => Promise.reject(new Error('denied'))
    for (const status of [
      await read(),
      await read(Object.fromEntries(Object.keys(FAILING).map((name) => [name, fails]))),
    ])
      expect(statusSchema.parse(JSON.parse(JSON.stringify(status)))).toEqual(status)
  })

  it.each(Object.entries(FAILING))(
    'lacks without %s only that, says why, and advises nothing instead',
    async (name, lost) => {
      const status = await read({ [name]: () => Promise.reject(new Error('denied')) })

      expect(unknownIn(status)).toEqual(lost)
      const said = [status.advice, ...status.entities.map(({ blockers }) => blockers)].flat()
      expect(said.some(({ code, what }) => code === 'unknown' && what.endsWith('denied'))).toBe(true)
    },
  )

  it('waits for none longer than it may', async () => {
    const status = await read({ undelivered: () => new Promise(() => {}) }, 50)
    expect(status.undelivered).toEqual({ unknown: 'no answer within 0.05 s' })
    expect(unknownIn(status)).toEqual(['undelivered'])
  })

  it('asks about many entities no longer than about one', async () => {
    const entities = Array.from({ length: 30 }, (_, n) => ({ ...recipe, name: `dish${n}` }))
    let asked = 0
    const ownerCounts = () => {
      asked += 1
      return new Promise<never>(() => {})
    }
    const status = await read({ entities, ownerCounts, ownersKnown: async () => new Map() }, 100)

    // Those that were asked at once, and none behind them.
    expect(asked).toBeLessThanOrEqual(8)
    const unknown = status.entities.map(({ owners }) => ('unknown' in owners ? owners.unknown : ''))
    expect(unknown.filter((why) => why.startsWith('no answer within'))).toHaveLength(asked)
    expect(unknown.filter((why) => why === 'not asked: what came before it took too long')).toHaveLength(
      30 - asked,
    )
  })

  it('takes stage and verification from who knows them', async () => {
    const verification = { at: AT, complete: true, rows: 7, differences: 0 }
    const [first] = (
      await read({
        routeOf: async () => ({ name: 'live', percentage: 10 }),
        lastVerification: async () => verification,
      })
    ).entities
    expect(first).toMatchObject({
      stage: { value: { name: 'live', percentage: 10 } },
      ...{ verification: { value: verification }, blockers: [] },
      next: { code: 'forward', what: 'nothing holds it back in stage live' },
    })
  })

  it('says of an entity whose triggers are not there that it is not mirrored yet', async () => {
    const missing = { ...there, state: 'missing' as const }
    const triggers: StatusSources['triggers'] = async (all) =>
      all.map((entity) => ({ entity, wanted: [], states: [missing] }))
    const [first] = (await read({ triggers })).entities
    expect(first).toMatchObject({ stage: { value: { name: 'legacy' } }, next: { code: 'triggers.missing' } })
  })
})
