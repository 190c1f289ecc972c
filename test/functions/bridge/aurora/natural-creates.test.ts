import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Change, Intent } from '../../../../functions/bridge/model/change.ts'
import type { OnceRequest } from '../../../../functions/bridge/ports/once.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { PLATES, plate } from '../../fixtures/plate.ts'

const KEY = 'a'
const INSERT = 'INSERT INTO `plates`'
const once: OnceRequest = {
  ...{ id: 'a'.repeat(64), fingerprint: 'f'.repeat(64) },
  answer: ({ version, row }) => JSON.stringify({ version: String(version), title: row.title }),
}

/* Creates of keys that are the clients' own, beside which others are at work on the same key. */

describe('a create of a natural key', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora()
    await aurora.legacy.query(PLATES)
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    for (const table of ['plates', 'backsync_tombstones', 'backsync_idempotency'])
      await aurora.legacy.query(`DELETE FROM ${table}`)
  })
  afterEach(() => aurora.api.faults.clear())

  const of = () => ({ entity: 'plate', key: KEY, source: 'api', at: new Date().toISOString() })
  const plateOf = (title: string): Change & { readonly op: 'upsert' } => ({
    ...of(),
    ...{ op: 'upsert', version: 1n, row: { code: KEY, title } },
  })
  const wish = (title: string, finding: 'either' | 'nothing'): Intent => ({
    ...plateOf(title),
    ...{ version: 'next', finding },
  })
  const gone = (): Intent => ({ ...of(), op: 'delete', version: 'next' })
  const held = async () => (await aurora.store.get(plate, KEY))?.row.title

  /** Holds up the next insert of a row until somebody has done something. @returns ends once that was done */
  const beforeInsert = (work: () => Promise<unknown>): Promise<void> => {
    const done = Promise.withResolvers<void>()
    aurora.api.faults.onHit(() => {
      work().then(() => done.resolve(), done.reject)
    })
    aurora.api.faults.add({ kind: 'delay', ms: 500, sql: INSERT, times: 1 })
    return done.promise
  }

  it('that somebody deletes meanwhile makes it above that delete, and answers with that', async () => {
    const { store } = aurora
    await store.write(plate, plateOf('first'))
    const removed = beforeInsert(() => store.write(plate, gone()))

    const { answer } = await store.createOnce(plate, plateOf('second'), once)
    await removed

    expect(await store.get(plate, KEY)).toMatchObject({ version: 3n, row: { title: 'second' } })
    expect(JSON.parse(answer)).toEqual({ version: '3', title: 'second' })
  })

  describe('that plain SQL makes meanwhile', () => {
    let made: Promise<void>
    beforeEach(async () => {
      await aurora.store.write(plate, plateOf('first'))
      await aurora.store.write(plate, gone())
      made = beforeInsert(() =>
        aurora.legacy.execute("INSERT INTO plates (code, title) VALUES (?, 'SQL')", [KEY]),
      )
    })

    it.each([
      ['', () => aurora.store.write(plate, plateOf('mine')), 'key.exists'],
      [' to who may repeat it', () => aurora.store.createOnce(plate, plateOf('mine'), once), 'key.exists'],
      [' to who replaces nothing', () => aurora.store.write(plate, wish('mine', 'nothing')), 'version.stale'],
    ])('is refused%s', async (_, create, code) => {
      await expect(create()).rejects.toMatchObject({ code })
      await made
      expect(await held()).toBe('SQL')
    })

    it('is none of who replaces what is there as well', async () => {
      const done = await aurora.store.write(plate, wish('mine', 'either'))
      await made
      expect([done?.created, await held()]).toEqual([undefined, 'mine'])
    })
  })

  describe('whose answer is lost, and that others write then', () => {
    /** @returns how often others have written what was made, before its answer was lost */
    const losing = async (work: () => Promise<unknown>): Promise<number> => {
      const { store, config } = aurora
      let lost = 0
      const { middlewareStack } = config.client
      middlewareStack.add(
        (next) => async (args) => {
          const answer = await next(args)
          const sql = 'sql' in args.input ? args.input.sql : ''
          if (sql?.includes(INSERT) !== true || lost > 0) return answer
          lost += 1
          await store.write(plate, { ...plateOf('theirs'), version: 'next' })
          throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
        },
        { step: 'deserialize', priority: 'high', name: 'loseFirstAnswer' },
      )
      try {
        await work()
      } finally {
        middlewareStack.remove('loseFirstAnswer')
      }
      return lost
    }

    it.each([
      ['a plain one', () => aurora.store.write(plate, plateOf('mine'))],
      ['one that may be repeated', () => aurora.store.createOnce(plate, plateOf('mine'), once)],
      ['one that may replace', () => aurora.store.write(plate, wish('mine', 'either'))],
      ['one that replaces nothing', () => aurora.store.write(plate, wish('mine', 'nothing'))],
    ])('is not said to have found something, which may have been its own: %s', async (_, create) => {
      const lost = await losing(() => expect(create()).rejects.toMatchObject({ code: 'write.lost-answer' }))
      expect([lost, await held()]).toEqual([1, 'theirs'])
    })
  })
})
