import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import { inLanes } from '../../functions/bridge/runtime/lanes.ts'
import { runCommand } from '../../infra/local/processes/command.ts'
import { withTestLists } from '../fixtures/team.ts'
import { makeFolder, type TemporaryFolder } from '../support/folder.ts'
import { type RunningStack, runStack, send } from '../support/stack.ts'
import { until } from '../support/until.ts'

/** The whole way: the modern API, the stream, the event source, the legacy handler, and the command. */
describe('rows that a trigger of the legacy application refuses', () => {
  let folder: TemporaryFolder
  let stack: RunningStack
  let legacy: Connection
  const database = `e2e_${randomUUID().replaceAll('-', '')}`

  beforeAll(async () => {
    const server = process.env.TEST_MYSQL_URL ?? ''
    folder = await makeFolder()
    legacy = await mysql.createConnection({ uri: server })
    await legacy.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`)
    await legacy.query(`USE ${database}`)
    stack = await runStack(folder.path, { MYSQL_URL: `${server.replace(/\/$/, '')}/${database}` })
    await legacy.query(`CREATE TRIGGER choosy BEFORE INSERT ON cheftable FOR EACH ROW
      IF NEW.cheflast = 'hunter2' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no hunters'; END IF`)
    await legacy.query('ALTER TABLE cheftable MODIFY cheffirst VARCHAR(10)')
  }, 150_000)
  afterAll(async () => {
    await stack?.stop()
    await legacy?.query(`DROP DATABASE ${database}`)
    await legacy?.end()
    await folder?.remove()
  }, 30_000)

  const list = async (): Promise<string> => {
    const env = { ...process.env, NODE_OPTIONS: withTestLists, BACKSYNC_HOME: folder.path }
    const command = [resolve('infra/cli/backsync.mjs'), 'parked', 'list']
    return (await runCommand(process.execPath, command, { withinMs: 60_000, env })).output
  }
  const chef = (side: string, firstName: string, lastName: string) =>
    send('POST', `${stack.url}/${side}/chefs`, { firstName, lastName })

  it('are listed, twenty among twenty good ones, and hold up none of these', async () => {
    const made = await inLanes(
      Array.from({ length: 40 }, (_, at) => at),
      4,
      (at) => chef('dynamo', `n${at}`, at % 2 === 0 ? 'hunter2' : 'good'),
    )
    expect(new Set(made.map(({ status }) => status))).toEqual(new Set([201]))
    await until('the good ones are in Aurora', 60_000, async () => {
      const [rows] = await legacy.query<RowDataPacket[]>("SELECT id FROM cheftable WHERE cheflast = 'good'")
      return rows.length === 20
    })
    let listed = ''
    await until('the bad ones are listed', 60_000, async () => {
      listed = await list()
      return (listed.match(/mysql\.1644/g)?.length ?? 0) === 20
    })
    expect(listed).not.toContain('hunter2')
  }, 150_000)

  it('are named with their column where they have one: in the list, and to a client, without the value', async () => {
    const refused = await chef('aurora', 'far too long for it', 'good')
    expect(refused.status).toBe(422)
    expect(refused.json().errors).toEqual([
      { pointer: '/firstName', detail: 'firstName (column cheffirst) is too long' },
    ])
    expect((await chef('aurora', 'n', 'hunter2')).status).toBe(422)

    expect((await chef('dynamo', 'far too long for it', 'good')).status).toBe(201)
    let listed = ''
    await until('it is listed', 60_000, async () => {
      listed = await list()
      return listed.includes('mysql.1406')
    })
    expect(listed).toContain('firstName (column cheffirst) is too long')
    expect([refused.text, listed, stack.output()].join('')).not.toContain('far too long')
  }, 150_000)
})
