import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { sqlModeOf } from '../../../../infra/local/mysql/arguments.ts'
import { findServerBinary } from '../../../../infra/local/mysql/find.ts'
import { detectFlavour } from '../../../../infra/local/mysql/flavour.ts'
import { type MysqlServer, startMysql } from '../../../../infra/local/mysql/server.ts'
import { identifyProcess } from '../../../../infra/local/processes/identity.ts'
import { waitFor } from '../../../../infra/local/processes/wait.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'

/** The private server is what is tested here, so the address of another one does not count. */
const { MYSQL_URL: _, ...env } = process.env

/** One whole life of a server, in the order of the tests: starting one is too slow to do for each of them. */
describe('a private server', () => {
  let folder: TemporaryFolder
  let home: string
  let server: MysqlServer
  let foreign: string
  const lines: string[] = []
  const log = (line: string): number => lines.push(line)

  beforeAll(async () => {
    folder = await makeFolder()
    // A name with spaces, beyond a socket path's length, and behind a symbolic link, as a home may be.
    const real = join(folder.path, `a home ${'x'.repeat(120)}`)
    await mkdir(real)
    home = join(folder.path, 'home')
    await symlink(real, home)
    // What a start leaves behind that was killed while it made the data folder.
    await mkdir(join(home, 'mysql.draft-1', 'mysql'), { recursive: true })
    // What another server of this machine has there now.
    foreign = join(tmpdir(), `#sql-temptable-${randomUUID()}`)
    await writeFile(foreign, '')
    server = await startMysql({ home, log, env })
  }, 120_000)

  afterAll(async () => {
    await server?.stop()
    await rm(foreign, { force: true })
    await folder?.remove()
  }, 60_000)

  const query = async (sql: string): Promise<RowDataPacket[]> => {
    const connection = await createConnection({ uri: server.url, connectTimeout: 5_000 })
    try {
      const [rows] = await connection.query<RowDataPacket[]>({ sql, timeout: 10_000 })
      return rows
    } finally {
      connection.destroy()
    }
  }

  it('is set up as Aurora is, and listens on the loopback address only', async () => {
    const [facts] =
      await query(`SELECT @@GLOBAL.sql_mode AS sqlMode, @@character_set_server AS charset, @@GLOBAL.time_zone AS zone,
      @@bind_address AS address, @@max_allowed_packet AS packet, @@port AS port`)

    expect(new Set(facts?.sqlMode.split(','))).toEqual(new Set(sqlModeOf(server.flavour).split(',')))
    expect(facts).toMatchObject({
      charset: 'utf8mb4',
      zone: '+00:00',
      address: '127.0.0.1',
      port: server.port,
    })
    expect(facts?.packet).toBeGreaterThanOrEqual(64 * 1024 * 1024)
    const name = server.flavour === 'mariadb' ? 'tx_isolation' : 'transaction_isolation'
    expect(await query(`SELECT @@GLOBAL.${name} AS isolation`)).toEqual([{ isolation: 'REPEATABLE-READ' }])
    expect(server).toMatchObject({
      url: `mysql://root@127.0.0.1:${server.port}`,
      external: false,
      password: '',
    })
  })

  it('has a folder of its own for temporary tables: a server that starts empties its own of them', async () => {
    await writeFile(join(home, 'mysql-tmp', 'seen'), '')
    const [seen] = await query('SELECT @@tmpdir AS folder, @@datadir AS data')

    expect(await readdir(resolve(String(seen?.data), String(seen?.folder)))).toContain('seen')
    expect(existsSync(foreign)).toBe(true)
  })

  it('left nothing of the start that was cut short', async () => {
    expect((await readdir(home)).filter((name) => name.includes('draft'))).toEqual([])
  })

  it('lets users with a password log in, who have rights on one database only', async () => {
    await query('CREATE DATABASE shop')
    await query(`CREATE USER 'app'@'%' IDENTIFIED BY 'secret'`)
    await query(`GRANT ALL ON shop.* TO 'app'@'%'`)

    const connection = await createConnection(`mysql://app:secret@127.0.0.1:${server.port}/shop`)
    await connection.query('CREATE TABLE chef (id INT PRIMARY KEY, name VARCHAR(255)) ENGINE=InnoDB')
    await connection.query(
      'CREATE TRIGGER chef_insert BEFORE INSERT ON chef FOR EACH ROW SET NEW.name = UPPER(NEW.name)',
    )
    await connection.query(`INSERT INTO chef VALUES (1, 'alton')`)
    connection.destroy()

    expect(await query('SELECT * FROM shop.chef')).toEqual([{ id: 1, name: 'ALTON' }])
  })

  it('refuses a second server on the same data', async () => {
    const failure = startMysql({ home, log, env })

    await expect(failure).rejects.toMatchObject({ code: 'mysql.already-running' })
    await expect(failure).rejects.toThrow(`process ${process.pid}`)
  })

  it('comes back on the same port with its data when it is killed', async () => {
    const before = server.pid
    await query(`INSERT INTO shop.chef VALUES (2, 'committed just before')`)

    process.kill(before ?? 0, 'SIGKILL')

    const back = await waitFor(() => query('SELECT id FROM shop.chef ORDER BY id'), {
      withinMs: 60_000,
      everyMs: 50,
    })
    expect(back).toEqual({ ok: true, value: [{ id: 1 }, { id: 2 }] })
    expect(server.pid).not.toBe(before)
    expect(lines.some((line) => line.includes('ended by itself: signal SIGKILL'))).toBe(true)
  }, 90_000)

  it('leaves no process behind when it is stopped, and has its data and its port at the next start', async () => {
    const { pid, port } = server
    await server.stop()
    expect(await identifyProcess(pid ?? 0)).toBeUndefined()

    server = await startMysql({ home, log, env })

    expect(server.port).toBe(port)
    expect(await query('SELECT COUNT(*) AS n FROM shop.chef')).toEqual([{ n: 2 }])
  }, 90_000)

  it('refuses data of the other kind, of a newer server, and of a start that did not finish', async () => {
    await server.stop()
    const stamp = join(home, 'mysql', 'backsync-server.json')
    const genuine = await readFile(stamp, 'utf8')
    const { flavour, version } = server
    expect(JSON.parse(genuine)).toEqual({ flavour, version })
    const refusal = async (text: string): Promise<unknown> => {
      await writeFile(stamp, text)
      return startMysql({ home, log, env }).catch((error: unknown) => error)
    }

    const other = { flavour: flavour === 'mysql' ? 'mariadb' : 'mysql', version }
    expect(await refusal(JSON.stringify(other))).toMatchObject({ code: 'mysql.other-flavour' })
    expect(await refusal(JSON.stringify({ flavour, version: '99.1.0' }))).toMatchObject({
      code: 'mysql.newer-folder',
    })
    expect(await refusal('{"flavour"')).toMatchObject({ code: 'mysql.incomplete-folder' })
    await rm(stamp)
    await expect(startMysql({ home, log, env })).rejects.toMatchObject({ code: 'mysql.incomplete-folder' })

    // Nothing was touched, and no refusal kept the lock.
    await writeFile(stamp, genuine)
    server = await startMysql({ home, log, env })
    expect(await query('SELECT COUNT(*) AS n FROM shop.chef')).toEqual([{ n: 2 }])
  }, 90_000)
})

describe('which server', () => {
  it('is the one of BACKSYNC_MYSQLD, before the PATH', async () => {
    const failure = startMysql({
      home: '/nowhere',
      log: () => {},
      env: { ...env, BACKSYNC_MYSQLD: '/no/such/mysqld' },
    })

    await expect(failure).rejects.toMatchObject({
      code: 'mysql.unusable-binary',
      message: expect.stringContaining('/no/such/mysqld'),
    })
  })

  it('is the one of MYSQL_URL before any other, and that is left alone', async () => {
    const url = process.env.TEST_MYSQL_URL ?? ''
    const server = await startMysql({
      home: '/nowhere',
      log: () => {},
      env: { ...env, MYSQL_URL: url, BACKSYNC_MYSQLD: '/no/such/mysqld' },
    })

    expect(server).toMatchObject({ external: true, pid: undefined, url })
    await server.stop()
    expect((await startMysql({ home: '/nowhere', log: () => {}, env: { MYSQL_URL: url } })).version).toBe(
      server.version,
    )
  })

  it('is found on this machine', async () => {
    const binary = env.BACKSYNC_MYSQLD ?? (await findServerBinary({ env }))

    expect(binary === undefined ? undefined : (await detectFlavour(binary)).version).toMatch(
      /^\d+\.\d+\.\d+$/,
    )
  })
})
