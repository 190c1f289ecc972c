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
  /** Another schema of the same cluster, which is there before; one that the user makes; and a user that it makes. */
  const neighbour = `neighbour_${id}`
  const later = `later_${id}`
  const reader = `r_${id}`
  let root: Connection
  const login = (password = cluster.password ?? '') =>
    createConnection({ host: server.host, port: server.port, user: cluster.user ?? '', password })
  beforeAll(async () => {
    const { host, port, user, password } = server
    root = await createConnection({ host, port, user, password })
    await root.query(`CREATE DATABASE \`${neighbour}\``)
  })
  afterAll(async () => {
    for (const name of [cluster.database, neighbour, later])
      await root.query(`DROP DATABASE IF EXISTS \`${name}\``)
    for (const from of ['%', 'localhost']) await root.query('DROP USER IF EXISTS ?@?', [cluster.user, from])
    await root.query('DROP USER IF EXISTS ?@?', [reader, '%'])
    await root.end()
  })

  it('makes the database in utf8mb4, and its master user; repeatably', async () => {
    await startCluster(cluster, server)
    expect(await startCluster(cluster, server)).toEqual({ user: cluster.user, password: cluster.password })

    const connection = await login()
    const [rows] = await connection.query<RowDataPacket[]>(
      'SELECT default_character_set_name AS charset FROM information_schema.schemata WHERE schema_name = ?',
      [cluster.database],
    )
    expect(rows[0]?.charset).toBe('utf8mb4')
    await connection.query(`CREATE TABLE \`${cluster.database}\`.t (id INT)`)
    await connection.end()
  })

  it("gives the master user what Aurora's may do: every schema of the cluster, also one that comes later", async () => {
    await startCluster(cluster, server)
    const connection = await login()
    const [first, second] = [`\`${cluster.database}\``, `\`${neighbour}\``]

    await connection.query(`CREATE TABLE ${second}.other (id INT PRIMARY KEY, n INT)`)
    await connection.query(
      `CREATE TABLE ${first}.own (id INT, FOREIGN KEY (id) REFERENCES ${second}.other (id))`,
    )
    await connection.query(
      `CREATE VIEW ${first}.both_of AS SELECT o.n FROM ${second}.other o JOIN ${first}.own w USING (id)`,
    )
    await connection.query(
      `CREATE TRIGGER ${second}.bump BEFORE INSERT ON ${second}.other FOR EACH ROW SET NEW.n = 7`,
    )
    await connection.query(`INSERT INTO ${second}.other VALUES (1, 1)`)
    await connection.query(`INSERT INTO ${first}.own VALUES (1)`)
    expect((await connection.query<RowDataPacket[]>(`SELECT n FROM ${first}.both_of`))[0]).toEqual([{ n: 7 }])
    await connection.query(`CREATE DATABASE \`${later}\``)
    await connection.query(`CREATE TABLE \`${later}\`.t (id INT)`)
    await connection.query('CREATE USER ?@? IDENTIFIED BY ?', [reader, '%', 'secret'])
    await connection.query(`GRANT SELECT ON ${second}.* TO ?@?`, [reader, '%'])
    await connection.end()
  })

  it('makes no superuser of it', async () => {
    await startCluster(cluster, server)
    const connection = await login()

    for (const statement of [
      'SHUTDOWN',
      'SET GLOBAL max_connections = 500',
      "SELECT LOAD_FILE('/etc/hostname') INTO OUTFILE 'x'",
    ])
      await expect(connection.query(statement)).rejects.toMatchObject({
        code: expect.stringMatching(/ACCESS_DENIED/),
      })
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
