import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ChangeLog } from '../../../../functions/bridge/aurora/change-log.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'

describe('what waits of one key', () => {
  let aurora: TestAurora
  let log: ChangeLog
  beforeAll(async () => {
    aurora = await openTestAurora()
    log = new ChangeLog(aurora.db)
    const write = (entity: string, key: string, op: string, version: number) =>
      aurora.legacy.query(
        `INSERT INTO backsync_changes (entity, entity_key, op, version, epoch, at)
         VALUES (?, ?, ?, ?, 2, '2026-11-22 10:00:00.123')`,
        [entity, key, op, version],
      )
    await write('chef', 'k', 'upsert', 1)
    await write('chef', 'K', 'upsert', 1)
    await write('recipe', 'k', 'upsert', 1)
    await write('chef', 'k', 'delete', 2)
    await aurora.legacy.query(
      `INSERT INTO backsync_conflicts (entity, entity_key, op, version, content, at)
       VALUES ('chef', 'k', 'upsert', 9, '{}', '2026-11-22 11:00:00.000')`,
    )
  }, 60_000)
  afterAll(() => aurora.close())

  it('is told in the order in which it was written, of no other key and no other entity', async () => {
    const { log: rows, recorded } = await log.ofKey('chef', 'k', 20)

    expect(rows).toMatchObject([
      { entity: 'chef', key: 'k', op: 'upsert', version: 1n, epoch: 2n, at: '2026-11-22T10:00:00.123Z' },
      { entity: 'chef', key: 'k', op: 'delete', version: 2n },
    ])
    expect(recorded).toMatchObject([{ op: 'upsert', version: 9n, at: '2026-11-22T11:00:00.000Z' }])
  })

  it('is no more than is asked for, and nothing of a key that nobody has written', async () => {
    expect((await log.ofKey('chef', 'k', 1)).log).toMatchObject([{ version: 1n }])
    expect(await log.ofKey('chef', "nobody's'", 20)).toEqual({ log: [], recorded: [] })
  })
})
