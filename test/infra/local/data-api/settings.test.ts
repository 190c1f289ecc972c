import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Connection, createConnection } from 'mysql2/promise'
import { type MysqlServer, startMysql } from '../../../../infra/local/mysql/server.ts'
import { SecretStore } from '../../../../infra/local/secrets-manager/store.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'
import { Harness, resourceArn, type StatementOptions, secretArn } from './harness.ts'

/** A private server is to be set up, whatever server the others use. */
const { MYSQL_URL: _, ...env } = process.env

const AURORA_MODES = [
  'ONLY_FULL_GROUP_BY',
  'STRICT_TRANS_TABLES',
  'NO_ZERO_IN_DATE',
  'NO_ZERO_DATE',
  'ERROR_FOR_DIVISION_BY_ZERO',
  'NO_ENGINE_SUBSTITUTION',
]

/** What a session writes of a value that has more digits than its column has places. */
const stored = async (h: Harness, type: string, text: string): Promise<string | undefined> => {
  await h.execute(`CREATE TABLE fractions (v ${type})`)
  await h.execute('INSERT INTO fractions VALUES (:v)', {
    parameters: [{ name: 'v', value: { stringValue: text } }],
  })
  const value = await h.value('SELECT CAST(v AS CHAR) FROM fractions')
  await h.execute('DROP TABLE fractions')
  return value?.stringValue
}

const sessionOf = async (
  h: Harness,
  options: StatementOptions = {},
): Promise<{ modes: string[]; zone: string | undefined }> => {
  const modes = (await h.value('SELECT @@sql_mode', options))?.stringValue ?? ''
  return {
    modes: modes.split(',').filter((mode) => mode !== '' && mode !== 'TIME_ROUND_FRACTIONAL'),
    zone: (await h.value('SELECT @@time_zone', options))?.stringValue,
  }
}

describe("a session's settings", () => {
  let h: Harness

  beforeAll(async () => {
    h = await Harness.start()
  })
  afterAll(() => h.stop())

  it.each([
    ['TIME', '23:59:59.7', '24:00:00'],
    ['TIME', '10:00:00.6', '10:00:01'],
    ['TIME', '10:00:00.4', '10:00:00'],
    ['TIME(3)', '10:00:00.1237', '10:00:00.124'],
    ['DATETIME', '2026-12-31 23:59:59.7', '2027-01-01 00:00:00'],
    ['DATETIME(2)', '2026-12-31 23:59:59.995', '2027-01-01 00:00:00.00'],
    ['TIMESTAMP', '2026-02-28 10:00:00.5', '2026-02-28 10:00:01'],
  ])('has %s round %s, as Aurora does', async (type, text, rounded) => {
    expect(await stored(h, type, text)).toBe(rounded)
  })

  it("rounds what legacy code writes over the server's own connections too", async () => {
    await h.direct.query('CREATE TABLE legacy (v DATETIME)')
    await h.direct.query("INSERT INTO legacy VALUES ('2026-12-31 23:59:59.7')")

    expect((await h.direct.query('SELECT v FROM legacy'))[0]).toEqual([{ v: '2027-01-01 00:00:00' }])
  })

  it("are a new Aurora cluster's, after what the call before did too", async () => {
    await h.execute("SET SESSION sql_mode = '', time_zone = '+03:00'")
    const { modes, zone } = await sessionOf(h)

    expect(modes.toSorted()).toEqual(AURORA_MODES.toSorted())
    expect(zone).toBe('+00:00')
  })
})

describe("a session's settings on a server that somebody has set up", () => {
  let folder: TemporaryFolder
  let own: MysqlServer
  let root: Connection

  beforeAll(async () => {
    folder = await makeFolder()
    own = await startMysql({ home: folder.path, log: () => undefined, env })
    root = await createConnection({ uri: own.url })
  }, 120_000)
  afterAll(async () => {
    await root?.end()
    await own?.stop()
    await folder?.remove()
  }, 60_000)

  it.each([
    ['ANSI_QUOTES', '-05:00'],
    ['', '+00:00'],
  ])(
    "are its own, each time, and fractions are rounded all the same: sql_mode '%s', %s",
    async (mode, zone) => {
      await root.query('SET GLOBAL sql_mode = ?, GLOBAL time_zone = ?', [mode, zone])
      const { host, port, user, password } = own
      const secrets = new SecretStore()
      secrets.put({ arn: secretArn, name: 's', value: JSON.stringify({ username: user, password }) })
      const clusters = [{ arn: resourceArn, host, port, settings: 'server' as const }]
      const h = await Harness.start({ clusters, secrets })
      const database = { database: 'mysql' }
      try {
        await h.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES', time_zone = '+03:00'", database)

        for (let call = 0; call < 3; call += 1)
          expect(await sessionOf(h, database)).toEqual({ modes: mode === '' ? [] : [mode], zone })
        const rounded = "SELECT CAST(CAST('10:00:00.6' AS TIME(0)) AS CHAR)"
        expect(await h.value(rounded, database)).toEqual({ stringValue: '10:00:01' })
      } finally {
        await h.stop()
      }
    },
  )
})
