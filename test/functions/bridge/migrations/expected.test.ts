import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { expectedOf } from '../../../../functions/bridge/migrations/expected.ts'
import { onlineWays } from '../../../../functions/bridge/migrations/online.ts'
import { serverVersionOf } from '../../../../functions/bridge/migrations/server-version.ts'
import { findServerVersion, findTableFacts } from '../../../../functions/bridge/migrations/table-facts.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { ALTERS, TABLES } from './alter-cases.ts'

/** From the best to the worst. */
const WAYS = [
  ['INSTANT', 'NONE', 'ALGORITHM=INSTANT'],
  ['INPLACE', 'NONE', 'ALGORITHM=INPLACE, LOCK=NONE'],
  ['INPLACE', 'SHARED', 'ALGORITHM=INPLACE, LOCK=SHARED'],
  ['COPY', 'SHARED', 'ALGORITHM=COPY, LOCK=SHARED'],
] as const

describe('how a change of a table is expected to be done', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora({ migrate: false })
  })
  afterAll(() => aurora.close())

  const renew = async (): Promise<void> => {
    for (const query of [
      'SET foreign_key_checks = 0',
      'DROP TABLE IF EXISTS t, u, squeezed, searched, parent',
      'SET foreign_key_checks = 1',
      ...TABLES,
    ])
      await aurora.legacy.query(query)
  }
  const tableOf = (statement: string): string => /(?:TABLE|ON) (\w+)/.exec(statement)?.[1] ?? ''
  const expectedHere = async (statement: string) => {
    const facts = await findTableFacts(aurora.db, tableOf(statement))
    return facts && expectedOf(statement, facts, await findServerVersion(aurora.db))
  }
  /** The best that the server does. */
  const found = async (statement: string): Promise<string> => {
    for (const [algorithm, lock, clauses] of WAYS) {
      await renew()
      const asked = statement.startsWith('ALTER')
        ? `${statement}, ${clauses}`
        : `${statement} ${clauses.replace(',', '')}`
      const isDone = await aurora.legacy.query(asked).then(
        () => true,
        (error: { errno: number }) => {
          if (error.errno !== 1845 && error.errno !== 1846) throw error
          return false
        },
      )
      if (isDone) return `${algorithm} ${lock}`
    }
    throw new Error(`nothing is taken: ${statement}`)
  }

  it.each(ALTERS)('%s: as the server does it', async (statement) => {
    const { flavour } = await findServerVersion(aurora.db)
    // MariaDB has no ALGORITHM there to ask for.
    if (flavour === 'MariaDB' && statement.startsWith('DROP INDEX')) return
    await renew()
    const expected = await expectedHere(statement)

    expect(`${expected?.algorithm} ${expected?.lock}`).toBe(await found(statement))
  })

  it.each(ALTERS)(
    '%s: --online sends nothing that blocks writers, and what can be done so is done',
    async (statement) => {
      await renew()
      const expected = await expectedHere(statement)
      let isDone = false
      for (const way of onlineWays(statement)) {
        if (way === statement) continue
        isDone ||= await aurora.legacy.query(way).then(
          () => true,
          () => false,
        )
        if (isDone) break
      }
      if (onlineWays(statement)[0] !== statement)
        expect(isDone).toBe(expected?.lock === 'NONE' && expected.algorithm !== 'COPY')
    },
  )

  it('says what is asked for in vain', async () => {
    await renew()
    const refused = async (statement: string) => (await expectedHere(statement))?.refused

    expect(await refused('ALTER TABLE t MODIFY a BIGINT NULL, ALGORITHM=INPLACE, LOCK=NONE')).toBe(
      'ALGORITHM=INPLACE',
    )
    expect(await refused('ALTER TABLE t ADD FULLTEXT KEY words (x), ALGORITHM=INPLACE, LOCK=NONE')).toBe(
      'LOCK=NONE',
    )
    expect(await refused('ALTER TABLE t ADD COLUMN n INT NULL, ALGORITHM=INSTANT')).toBeUndefined()
  })

  it('knows what releases of MySQL learned', async () => {
    await renew()
    const facts = await findTableFacts(aurora.db, 't')
    if (facts === undefined) throw new Error('there is no table')
    const of = (statement: string, version: string) =>
      expectedOf(statement, facts, serverVersionOf(version))?.algorithm

    expect(
      ['8.0.28', '8.0.29', '9.1.0'].map((version) => of('ALTER TABLE t DROP COLUMN x', version)),
    ).toEqual(['INPLACE', 'INSTANT', 'INSTANT'])
    expect(
      ['8.0.27', '8.0.28', '8.4.0'].map((version) => of('ALTER TABLE t RENAME COLUMN x TO y', version)),
    ).toEqual(['INPLACE', 'INSTANT', 'INSTANT'])
    expect(
      ['8.0.28', '8.0.36'].map((version) => of('ALTER TABLE t ADD n INT NULL AFTER a', version)),
    ).toEqual(['INPLACE', 'INSTANT'])
    expect(of('ALTER TABLE t ADD n INT NULL', '8.0.mysql_aurora.3.08.0')).toBe('INSTANT')
  })

  it('guesses the time by the size of what is written', async () => {
    await renew()
    const facts = await findTableFacts(aurora.db, 't')
    if (facts === undefined) throw new Error('there is no table')
    const large = { ...facts, rows: 5e6, bytes: { rows: 800e6, indexes: 200e6 } }
    const of = (statement: string) => expectedOf(statement, large, serverVersionOf('8.0.36'))

    expect(of('ALTER TABLE t ADD n INT NULL')).toMatchObject({ writes: 'nothing', seconds: 0 })
    expect(of('ALTER TABLE t ADD INDEX more (a)')).toMatchObject({ writes: 'index', seconds: 16, rows: 5e6 })
    expect(of('ALTER TABLE t MODIFY a BIGINT')).toMatchObject({ writes: 'rows', seconds: 50 })
  })

  it.each([
    'UPDATE t SET a = 1',
    'CREATE TABLE n (id INT)',
    'ALTER TABLE t ADD n INT, ORDER BY a',
    'ALTER VIEW v AS SELECT 1',
  ])('says nothing of %s', async (statement) => {
    const facts = await findTableFacts(aurora.db, 't')
    if (facts === undefined) throw new Error('there is no table')
    expect(expectedOf(statement, facts, serverVersionOf('8.0.36'))).toBeUndefined()
  })
})
