import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Kysely } from 'kysely'
import { type Connection, createConnection } from 'mysql2/promise'
import { DataApiDialect } from '../../../../functions/bridge/drivers/data-api/dialect.ts'
import {
  problemsOf,
  requireServerSettings,
  ServerSettingsError,
} from '../../../../functions/bridge/migrations/server-settings.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { startDataApi } from '../../../../infra/local/data-api/server.ts'
import { type MysqlServer, startMysql } from '../../../../infra/local/mysql/server.ts'
import { SecretStore } from '../../../../infra/local/secrets-manager/store.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'

const { MYSQL_URL: _, ...env } = process.env
const arns = {
  resourceArn: 'arn:aws:rds:us-east-1:000000000000:cluster:c',
  secretArn: 'arn:aws:secretsmanager:s',
}

const fine = {
  version: '8.0.42',
  sqlMode: 'STRICT_TRANS_TABLES',
  timeZone: '+00:00',
  winter: 1_705_276_800,
  summer: 1_721_001_600,
}

describe("a server's settings", () => {
  it.each([
    ['8.0.23'],
    ['8.0.mysql_aurora.3.08.0'],
    ['8.4.0'],
    ['9.7.4'],
    ['10.6.0-MariaDB'],
    ['10.11.19-MariaDB-0+deb12u1'],
    ['11.4.2-MariaDB-log'],
  ])('fit with %s', (version) => {
    expect(problemsOf({ ...fine, version })).toEqual([])
  })

  it.each([['8.0.22'], ['5.7.44-log'], ['10.5.9-MariaDB']])('do not fit with %s', (version) => {
    expect(problemsOf({ ...fine, version })).toEqual([expect.stringContaining(`version is ${version}`)])
  })

  it('name a zone that is UTC in winter only', () => {
    const problems = problemsOf({ ...fine, timeZone: 'Europe/London', summer: fine.summer - 3600 })

    expect(problems).toEqual([expect.stringContaining('time_zone is Europe/London (+00:00 and +01:00)')])
  })

  it('are all named at once', () => {
    const wrong = {
      version: '8.0.1',
      sqlMode: 'PAD_CHAR_TO_FULL_LENGTH',
      timeZone: '-05:00',
      winter: 0,
      summer: 0,
    }

    expect(problemsOf(wrong)).toHaveLength(3)
  })
})

describe('a cluster, over the Data API', () => {
  let folder: TemporaryFolder
  let server: MysqlServer
  let root: Connection
  const unstrict = 'NO_ZERO_DATE,NO_ENGINE_SUBSTITUTION'

  beforeAll(async () => {
    folder = await makeFolder()
    server = await startMysql({ home: folder.path, log: () => undefined, env })
    root = await createConnection({ uri: server.url })
  }, 120_000)
  afterAll(async () => {
    await root?.end()
    await server?.stop()
    await folder?.remove()
  }, 60_000)

  /** What a function that starts anew is told. */
  const check = async (): Promise<string | undefined> => {
    const { host, port, user, password } = server
    const secrets = new SecretStore()
    secrets.put({ arn: arns.secretArn, name: 's', value: JSON.stringify({ username: user, password }) })
    const clusters = [{ arn: arns.resourceArn, host, port, settings: 'server' as const }]
    const api = await startDataApi({ clusters, secrets })
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
    const client = new RDSDataClient({
      endpoint: api.endpoint,
      region: 'us-east-1',
      credentials,
      maxAttempts: 1,
    })
    const dialect = new DataApiDialect({ ...arns, client, database: 'mysql', deadline: new Deadline() })
    try {
      await requireServerSettings(new Kysely({ dialect }))
      return undefined
    } catch (error) {
      if (error instanceof ServerSettingsError) return error.message
      throw error
    } finally {
      client.destroy()
      await api.close()
    }
  }

  it("fits with Aurora's own settings", async () => {
    expect(await check()).toBeUndefined()
  })

  it.each([
    ['', 'SYSTEM', /^The server's settings don't fit: sql_mode has no STRICT_TRANS_TABLES/],
    [
      unstrict,
      '+00:00',
      /SET GLOBAL sql_mode = 'NO_ZERO_DATE,NO_ENGINE_SUBSTITUTION,(TIME_ROUND_FRACTIONAL,)?STRICT_TRANS_TABLES'/,
    ],
    ['STRICT_ALL_TABLES,ALLOW_INVALID_DATES', '+00:00', /has ALLOW_INVALID_DATES, which takes days/],
    ['STRICT_TRANS_TABLES', '-05:00', /time_zone is -05:00 \(-05:00\)/],
    [`${unstrict},HIGH_NOT_PRECEDENCE`, '+05:30', /HIGH_NOT_PRECEDENCE.*time_zone is \+05:30 \(\+05:30\)/],
  ])(
    "is refused with sql_mode '%s' and time zone %s, until what the refusal says is done",
    async (mode, zone, words) => {
      await root.query('SET GLOBAL sql_mode = ?, GLOBAL time_zone = ?', [mode, zone])

      const message = (await check()) ?? ''
      expect(message).toMatch(words)
      for (const [statement] of message.matchAll(/SET GLOBAL \w+ = '[^']*'/g)) await root.query(statement)
      expect(await check()).toBeUndefined()
    },
  )
})
