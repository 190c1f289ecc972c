import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader } from 'mysql2'
import { planBackfill } from '../../../../functions/bridge/backfill/backfill-plan.ts'
import { FillNotReadyError } from '../../../../functions/bridge/backfill/errors.ts'
import { DynamoError } from '../../../../functions/bridge/drivers/dynamo/errors.ts'
import { JobBusyError } from '../../../../functions/bridge/jobs/jobs.ts'
import { NotTheOwnerError } from '../../../../functions/bridge/ports/store.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { installMirror, removeMirror } from '../../../support/mirrored.ts'
import { until } from '../../../support/until.ts'
import { mirroredChef, readLog } from '../aurora/triggers/legacy.ts'
import { openWorld, type World } from '../cutover/world.ts'
import { deadlineIn } from '../jobs/job-tables.ts'
import type { FillRequest } from './fill-process.ts'
import { openTestFills, type TestFills } from './harness.ts'

const mirrored = mirroredChef()
const script = fileURLToPath(new URL('./fill-process.ts', import.meta.url))

describe('filling DynamoDB with the rows of an entity', () => {
  let world: World
  let fills: TestFills
  beforeAll(async () => {
    world = await openWorld([mirrored], { chef: 'Chefs' })
    fills = await openTestFills(world.sync, [mirrored])
  }, 60_000)
  afterAll(() => Promise.all([world.close(), fills.close()]))
  beforeEach(async () => {
    await removeMirror(world.sync.aurora, [mirrored])
    await world.sync.aurora.empty()
    await world.sync.aurora.legacy.query('DELETE FROM backsync_changes')
  })

  const legacy = async (statement: string, values: unknown[] = []): Promise<ResultSetHeader> => {
    const [done] = await world.sync.aurora.legacy.query<ResultSetHeader>(statement, values)
    return done
  }
  /** Rows that were there before anything of the bridge's was. */
  const insert = (names: readonly string[], first = 1) =>
    legacy('INSERT INTO cheftable (id, cheffirst, cheflast) VALUES ?', [
      names.map((name, at) => [first + at, name, 'T']),
    ])
  const names = (n: number): string[] => Array.from({ length: n }, (_, at) => `chef ${at + 1}`)
  const install = () => installMirror(world.sync.aurora, [mirrored])
  const fill: TestFills['fill'] = (entity, options, more) =>
    fills.fill(entity, { from: 'aurora', ...options }, more)
  const item = async (key: string | number) => {
    const found = await world.item(mirrored, String(key))
    return (
      found && [
        ...[found.firstName?.S, found.version?.N, found.backsync_owner?.S, found.backsync_mirrored?.N],
        ...(found.backsync_deleted === undefined ? [] : ['deleted']),
      ]
    )
  }
  /** Each test has ids of its own: the table of items is never emptied. */
  let next = 1
  const ids = (n: number): number => {
    next += n
    return next - n
  }

  it('makes ten thousand rows that were there before it usable on the modern side', async () => {
    const first = ids(10_000)
    await insert(names(10_000), first)
    await install()

    const { done, records } = await fill(mirrored, { segments: 4 })

    expect(done).toBe(true)
    expect(records).toMatchObject({ items: 10_000, applied: 10_000, skipped: 0, refused: 0 })
    for (const at of [0, 1, 4_999, 9_999])
      expect(await item(first + at)).toEqual([`chef ${at + 1}`, '1', 'aurora', '1'])
    const key = String(first + 77)
    expect(await world.stores.dynamo.get(mirrored, key)).toMatchObject({
      key,
      version: 1n,
      row: { firstName: 'chef 78', lastName: 'T' },
    })
    const put = () => world.replace(mirrored, 'dynamo', key, { firstName: 'Modern', lastName: 'T' })
    await expect(put()).rejects.toThrow(NotTheOwnerError)
    await expect(put()).rejects.toMatchObject({ owner: 'aurora', key })
    await world.claim(mirrored, key, 'dynamo')
    expect(await put()).toMatchObject({ version: 2n, row: { firstName: 'Modern' } })
    // The fill itself is nothing that the log would tell of.
    expect(await readLog(world.sync.aurora)).toEqual([])
  }, 240_000)

  it('is refused as long as something could be written that nothing would tell of, with what to type', async () => {
    const plan = async (entity = mirrored) => {
      try {
        return await planBackfill(entity, fills.parts, { from: 'aurora' })
      } catch (error) {
        if (!(error instanceof FillNotReadyError)) throw error
        return [error.message, error.cure]
      }
    }
    expect(await plan(chef)).toEqual([
      expect.stringContaining('chef is not mirrored'),
      expect.stringContaining('mirror: {}'),
    ])
    expect(await plan()).toEqual([
      expect.stringContaining('triggers of chef'),
      'npx backsync mirror install chef',
    ])
    await install()
    await legacy('DROP TRIGGER backsync_chef_ad')
    expect(await plan()).toEqual([
      expect.stringContaining('1 are missing or changed (backsync_chef_ad)'),
      'npx backsync mirror install chef',
    ])
    await install()
    await legacy("DELETE FROM backsync_owners WHERE entity = 'chef'")
    expect(await plan()).toEqual([expect.any(String), 'npx backsync owners take chef'])
    await legacy("INSERT INTO backsync_owners (entity) VALUES ('chef')")
    expect(await plan()).toMatchObject({ step: 'records', entity: mirrored })
  })

  it('passes over what DynamoDB owns, and leaves what is as late there', async () => {
    const first = ids(3)
    await insert(names(3), first)
    await legacy("UPDATE cheftable SET backsync_owner = 'dynamo' WHERE id = ?", [first])
    await install()
    await fill(mirrored)
    expect(await item(first)).toBeUndefined()
    await legacy("UPDATE cheftable SET cheffirst = 'later' WHERE id = ?", [first + 1])

    expect((await fill(mirrored)).records).toMatchObject({ items: 3, applied: 1, skipped: 2, passed: 1 })
    expect(await item(first + 1)).toEqual(['later', '2', 'aurora', '2'])
    expect(await item(first + 2)).toEqual(['chef 3', '1', 'aurora', '1'])
  })

  it('brings a row as it is when it is written, and none back that went meanwhile', async () => {
    const first = ids(2)
    await insert(names(2), first)
    await install()
    const { forward } = fills.parts
    const { sink } = forward.mirror
    const overtaken: typeof sink = {
      ...sink,
      names: sink.names,
      isLater: (change) => sink.isLater(change),
      applyIsolating: async (name, changes) => {
        if (changes.some(({ version }) => version === 1n)) {
          await legacy("UPDATE cheftable SET cheffirst = 'later' WHERE id = ?", [first])
          await legacy('DELETE FROM cheftable WHERE id = ?', [first + 1])
          // What the relay would do of it, sooner than the fill.
          const keys = [String(first), String(first + 1)]
          const records = await forward.source.records('chef', keys)
          for (const { key, version, epoch, state } of records) {
            const own = { entity: 'chef', key, version, epoch, source: 'log', at: new Date().toISOString() }
            await sink.applyIsolating('chef', [
              state === 'held'
                ? { ...own, op: 'upsert', row: { firstName: 'later', lastName: 'T' } }
                : { ...own, op: 'delete' },
            ])
          }
        }
        return sink.applyIsolating(name, changes)
      },
    }

    const mirror = { ...forward.mirror, sink: overtaken }
    const { records } = await fill(mirrored, {}, { forward: { ...forward, mirror } })

    expect(records).toMatchObject({ items: 2, applied: 0, skipped: 2, newer: 2, refused: 0 })
    expect(await item(first)).toEqual(['later', '2', 'aurora', '2'])
    expect(await item(first + 1)).toEqual([undefined, '2', 'aurora', '2', 'deleted'])
  })

  it('parks what no item can hold by name, in a place of its own, and brings all others', async () => {
    const first = ids(4)
    await insert(names(4), first)
    await install()
    await legacy('UPDATE cheftable SET backsync_key = ? WHERE id = ?', [`k${first}`, first + 1])
    await legacy('ALTER TABLE cheftable MODIFY cheffirst LONGTEXT NULL')
    try {
      await legacy("UPDATE cheftable SET cheffirst = REPEAT('x', 450000) WHERE id = ?", [first + 2])

      const { records } = await fill(mirrored)

      expect(records).toMatchObject({ items: 4, applied: 3, skipped: 0, refused: 1 })
      expect(await item(`k${first}`)).toEqual(['chef 2', expect.any(String), 'aurora', expect.any(String)])
      expect(await world.sync.parked('chef')).toEqual([])
      expect(await world.sync.parked('chef.mirror')).toEqual([[String(first + 2), 'data', 'row.unreadable']])
      await legacy("UPDATE cheftable SET cheffirst = 'short' WHERE id = ?", [first + 2])
      expect((await fill(mirrored)).records).toMatchObject({ applied: 1, refused: 0 })
      expect(await world.sync.parked('chef.mirror')).toEqual([])
    } finally {
      await legacy('DELETE FROM cheftable')
      await legacy('ALTER TABLE cheftable MODIFY cheffirst VARCHAR(255) NULL')
    }
  })

  it('lists a write that DynamoDB took of a key that isn’t its own, and has the relay put that right', async () => {
    const first = ids(1)
    await insert(names(1), first)
    await install()
    await world.sync.put(mirrored, {
      ...{ chefId: { S: String(first) }, firstName: { S: 'Foreign' }, lastName: { S: 'T' } },
      ...{ version: { N: '9' }, updatedAt: { S: '2026-11-29T10:00:00.000Z' } },
    })

    expect((await fill(mirrored)).records).toMatchObject({ items: 1, applied: 0, refused: 1 })
    expect(await world.sync.parked('chef.conflicts')).toEqual([[String(first), 'data', 'owner.foreign']])
    expect(await readLog(world.sync.aurora)).toEqual([expect.stringContaining(`upsert ${first}`)])
  })

  it('leaves nothing out that is written while it reads: the log has what it has not', async () => {
    const first = ids(2_000)
    await insert(names(1_500), first)
    await install()
    let pages = 0
    await fill(
      mirrored,
      { segments: 1 },
      {
        onProgress: () => {
          pages++
          if (pages === 1) void insert(['between'], first + 1_700)
          if (pages === 2) void legacy("UPDATE cheftable SET cheffirst = 'between' WHERE id = ?", [first])
        },
      },
    )
    await legacy('DO 1')

    const told = new Set((await readLog(world.sync.aurora)).map((line) => line.split(' ')[1]))
    expect([...told]).toEqual(expect.arrayContaining([String(first + 1_700), String(first)]))
    for (const at of [0, 1, 777, 1_499, 1_700]) {
      const [record] = await fills.parts.forward.source.records('chef', [String(first + at)])
      const isThere = (await item(first + at))?.[1] === String(record?.version)
      expect([at, isThere || told.has(String(first + at))]).toEqual([at, true])
    }
  })

  it('goes on behind whole pages where it was interrupted, in the segments that it was begun with', async () => {
    const first = ids(4_500)
    await insert(names(4_500), first)
    await install()
    const stop = new AbortController()
    const begun = await fill(
      mirrored,
      { segments: 3 },
      { signal: stop.signal, concurrency: 1, onProgress: () => stop.abort() },
    )
    expect(begun).toMatchObject({ done: false, step: 'records', records: { items: 1_000 } })
    // Ids grow meanwhile; where the segments begin stays.
    await insert(names(600), first + 40_000)
    next = first + 41_000

    const plan = await planBackfill(mirrored, fills.parts, { from: 'aurora' })
    expect(plan).toMatchObject({ todo: 'go on', segments: 3, segmentsDone: 0 })
    const rest = await fill(mirrored, { again: false })

    expect(rest).toMatchObject({ done: true, segments: 3, records: { items: 5_100, applied: 5_100 } })
    expect(await item(first + 999)).toEqual(['chef 1000', '1', 'aurora', '1'])
    expect(await item(first + 40_599)).toEqual(['chef 600', '1', 'aurora', '1'])
  })

  it('that is killed goes on where it stopped, once its lease is over', async () => {
    const first = ids(400)
    await insert(names(400), first)
    await install()
    const { config, database, api } = world.sync.aurora
    const request: FillRequest = {
      aurora: { CLUSTER_ARN: config.resourceArn, SECRET_ARN: config.secretArn, DATABASE_NAME: database },
      tables: { chef: world.sync.tables.of('chef') },
      parking: world.sync.parking.table,
      jobs: fills.jobsTable,
      maxRate: 80,
    }
    const child = spawn(process.execPath, [script, JSON.stringify(request)], {
      env: {
        ...{ ...process.env, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' },
        AWS_ENDPOINT_URL_DYNAMODB: process.env.TEST_DYNAMODB_ENDPOINT,
        AWS_ENDPOINT_URL_RDS_DATA: api.endpoint,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const gone = once(child, 'close')
    let noted = 0
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      noted = Number(text.trim().split('\n').at(-1))
    })
    await until('some rows are noted', 30_000, async () => noted > 40)
    child.kill('SIGKILL')
    await gone
    expect(noted).toBeLessThan(400)

    await expect(fill(mirrored, { again: false })).rejects.toThrow(JobBusyError)
    const { done, records } = await fill(mirrored, { again: false }, { jobs: fills.later() })

    expect([done, records.items]).toEqual([true, 400])
    // What was applied, and not noted, is held already.
    expect(records.applied).toBeGreaterThanOrEqual(noted)
    for (const at of [0, 199, 200, 399])
      expect(await item(first + at)).toEqual([`chef ${at + 1}`, '1', 'aurora', '1'])
  }, 120_000)

  it('stops where a store is down, says so, and goes on when that is back', async () => {
    const first = ids(1_200)
    await insert(names(1_200), first)
    await install()
    const { forward } = fills.parts
    const { sink } = forward.mirror
    let pages = 0
    const failing: typeof sink = {
      ...sink,
      names: sink.names,
      isLater: (change) => sink.isLater(change),
      applyIsolating: async (name, changes) => {
        pages++
        const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
        if (pages > 1) throw new DynamoError('UpdateItem', refused)
        return sink.applyIsolating(name, changes)
      },
    }
    // An invocation that has little time left has no more patience.
    const down = { ...forward, mirror: { ...forward.mirror, sink: failing, deadline: deadlineIn(5_500) } }

    await expect(fill(mirrored, { segments: 1 }, { forward: down })).rejects.toMatchObject({
      kind: 'transient',
    })
    expect(await fills.parts.jobs.read('backfill:chef:from-aurora')).toMatchObject({ state: 'failed' })
    const { done, records } = await fill(mirrored, { again: false })
    expect([done, records.items, records.applied]).toEqual([true, 1_200, 1_200])
    expect(await world.sync.parked('chef.mirror')).toEqual([])
  })

  it('tells how much there is before it begins, and reads no faster than it may', async () => {
    await insert(names(700), ids(700))
    await install()
    const plan = await planBackfill(mirrored, fills.parts, { from: 'aurora', again: true, segments: 2 })
    expect(plan).toMatchObject({ step: 'records', extent: { bytes: expect.any(Number) }, segments: 2 })
    expect(plan.extent.items).toBeGreaterThanOrEqual(500)
    expect(plan.extent.reading).toBeGreaterThan(0)
  })
})
