import { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import type { RowDataPacket } from 'mysql2/promise'
import { isLoopback, tlsFor } from '../../../../../functions/bridge/drivers/direct/tls.ts'
import { failure, Harness, until } from './harness.ts'

const cluster = 'legacy.cluster-abc123.eu-west-1.rds.amazonaws.com'

describe('tlsFor', () => {
  it.each([cluster, '10.0.0.7', '127.0.0.1.example.com', 'localhost.example.com', '::2'])(
    'demands TLS with a verified certificate from %s, whatever is asked',
    (host) => {
      for (const tls of [undefined, true, false])
        expect(tlsFor(host, { tls })).toMatchObject({ rejectUnauthorized: true, verifyIdentity: true })
    },
  )

  it("trusts Amazon's certificates, and only these", () => {
    const trusted = [tlsFor(cluster, {})?.ca ?? []].flat().map((pem) => new X509Certificate(pem))

    expect(trusted.length).toBeGreaterThan(100)
    expect(trusted.filter(({ subject }) => /CN=Amazon RDS eu-west-1 Root CA/.test(subject))).not.toEqual([])
  })

  it('trusts the given certificates instead', () => {
    expect(tlsFor(cluster, { ca: 'PEM' })?.ca).toEqual(['PEM'])
  })

  it.each(['localhost', '127.0.0.1', '127.9.9.9', '::1'])('leaves %s plain unless asked', (host) => {
    expect(isLoopback(host)).toBe(true)
    expect(tlsFor(host, {})).toBeUndefined()
    expect(tlsFor(host, { tls: true })).toMatchObject({ verifyIdentity: true })
    expect(tlsFor(host, { ca: 'PEM' })).toMatchObject({ verifyIdentity: true })
  })
})

describe('TLS with a real server', () => {
  let harness: Harness
  /** The server's own authority and the name in its certificate; undefined where it speaks no TLS. */
  let own: { readonly ca: string; readonly name: string } | undefined

  beforeAll(async () => {
    harness = await Harness.start()
    const [[row]] = await harness.root.query<RowDataPacket[]>(
      'SELECT @@datadir AS folder, VERSION() AS version',
    )
    const isMariaDb = String(row?.version).includes('MariaDB')
    const read = (name: string) => readFile(join(String(row?.folder), name), 'utf8')
    // A server in a container keeps its folder to itself; it is then one that nobody here can trust.
    if (!isMariaDb && existsSync(join(String(row?.folder), 'ca.pem'))) {
      const subject = new X509Certificate(await read('server-cert.pem')).subject
      own = { ca: await read('ca.pem'), name: /CN=(.*)/.exec(subject)?.[1] ?? '' }
    }
  })
  afterEach(() => harness.settle())
  afterAll(() => harness.close())

  const cipher = sql<{ Value: string }>`SHOW SESSION STATUS LIKE 'Ssl_cipher'`

  it('encrypts on loopback when asked, or says that the server can not', async () => {
    if (!own) {
      const { db } = harness.open({ tls: true })
      expect(await failure(cipher.execute(db))).toMatchObject({ code: 'direct.tls', kind: 'configuration' })
      return
    }
    const { db } = harness.open({ ca: own.ca, serverName: own.name })
    expect((await cipher.execute(db)).rows[0]?.Value).toMatch(/^TLS_|^ECDHE/)
    // A second connection resumes the TLS session of the first.
    await Promise.all([1, 2].map(() => sql`SELECT SLEEP(0.1)`.execute(db)))
  })

  it('is plain on loopback when not asked', async () => {
    expect((await cipher.execute(harness.open().db)).rows[0]?.Value).toBe('')
  })

  it("refuses a server that Amazon's certificates don't vouch for", async () => {
    const { db } = harness.open({ tls: true, serverName: own?.name })
    expect(await failure(cipher.execute(db))).toMatchObject({ code: 'direct.tls', kind: 'configuration' })
    await until('nothing is left open', async () => (await harness.connections()).length === 0)
  })

  it('refuses a server of the right authority but another name', async () => {
    const { db } = harness.open({ ca: own?.ca ?? 'none', serverName: cluster })
    expect(await failure(cipher.execute(db))).toMatchObject({ code: 'direct.tls', kind: 'configuration' })
    await until('nothing is left open', async () => (await harness.connections()).length === 0)
  })
})
