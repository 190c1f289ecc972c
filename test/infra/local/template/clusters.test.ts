import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise'
import { type DefinedCluster, startCluster } from '../../../../infra/local/template/resources/clusters.ts'

describe('startCluster', () => {
  const url = new URL(process.env.TEST_MYSQL_URL ?? '')
  const server = {
    host: url.hostname,
    port: Number(url.port || 3306),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    external: false,
  }
  const id = `${process.pid}_${Date.now().toString(36)}`
  const cluster: DefinedCluster = {
    logicalId: 'Db',
    arn: 'arn:aws:rds:us-east-1:000000000000:cluster:db',
    identifier: 'db',
    database: `cluster_${id}`,
    user: `u_${id}`,
    password: `it's "quoted" \\ and ?`,
  }
  // Differs from the database only where `_` would be a wildcard.
  const neighbour = cluster.database?.replace('_', 'x') ?? ''
  let root: Connection
  const login = (password = cluster.password ?? '') =>
    createConnection({ host: server.host, port: server.port, user: cluster.user ?? '', password })
  beforeAll(async () => {
    const { host, port, user, password } = server
    root = await createConnection({ host, port, user, password })
    await root.query(`CREATE DATABASE \`${neighbour}\``)
  })
  afterAll(async () => {
    for (const name of [cluster.database, neighbour]) await root.query(`DROP DATABASE IF EXISTS \`${name}\``)
    for (const from of ['%', 'localhost']) await root.query('DROP USER IF EXISTS ?@?', [cluster.user, from])
    await root.end()
  })

  it('makes the database in utf8mb4, and a user with all rights there and none elsewhere; repeatably', async () => {
    await startCluster(cluster, server)
    expect(await startCluster(cluster, server)).toEqual({ user: cluster.user, password: cluster.password })

    const connection = await login()
    const [rows] = await connection.query<RowDataPacket[]>(
      'SELECT default_character_set_name AS charset FROM information_schema.schemata WHERE schema_name = ?',
      [cluster.database],
    )
    expect(rows[0]?.charset).toBe('utf8mb4')
    await connection.query(`CREATE TABLE \`${cluster.database}\`.t (id INT)`)
    for (const elsewhere of [neighbour, 'mysql']) {
      await expect(connection.query(`CREATE TABLE \`${elsewhere}\`.t (id INT)`)).rejects.toMatchObject({
        code: expect.stringMatching(/ACCESS_DENIED|_DENIED_ERROR/),
      })
    }
    await connection.end()
  })

  it('follows a changed password', async () => {
    await startCluster({ ...cluster, password: 'another' }, server)

    await expect(login()).rejects.toMatchObject({ code: 'ER_ACCESS_DENIED_ERROR' })
    await (await login('another')).end()
  })

  it("leaves the users of somebody else's server alone, and hands out its login", async () => {
    const other = { ...cluster, user: `v_${id}` }

    const given = await startCluster(other, { ...server, external: true })

    expect(given).toEqual({ user: server.user, password: server.password })
    const [rows] = await root.query<RowDataPacket[]>('SELECT 1 FROM mysql.user WHERE user = ?', [other.user])
    expect(rows).toEqual([])
  })

  it('refuses a name that is none', async () => {
    await expect(startCluster({ ...cluster, database: 'a`; DROP' }, server)).rejects.toMatchObject({
      code: 'template.malformed-property',
    })
  })
})
