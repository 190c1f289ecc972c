import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import { makeFolder, type TemporaryFolder } from '../../support/folder.ts'
import { runStack } from '../../support/stack.ts'

const app = 'infra/app.ts'

/** The stack with the sample, whose entities are mirrored, as `npm start` starts it. */
describe('the triggers of the sample', () => {
  let folder: TemporaryFolder
  let legacy: Connection
  const database = `start_${randomUUID().replaceAll('-', '')}`
  const server = process.env.TEST_MYSQL_URL ?? ''
  beforeAll(async () => {
    folder = await makeFolder()
    legacy = await mysql.createConnection(server)
    await legacy.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`)
  })
  afterAll(async () => {
    await legacy.query(`DROP DATABASE IF EXISTS ${database}`)
    await legacy.end()
    await folder.remove()
  })

  /** What it says of them until it is ready. */
  const started = async (env: Record<string, string> = {}): Promise<readonly string[]> => {
    const stack = await runStack(folder.path, env, { app })
    const lines = stack.output().split('\n')
    expect(await stack.stop()).toBe(0)
    return lines
      .slice(
        0,
        lines.findIndex((line) => line.includes('ready in')),
      )
      .filter(isOfMirror)
  }

  it('are made by a start on its own server before it is ready; by the next one there is nothing to do', async () => {
    expect(await started()).toEqual([
      expect.stringMatching(/^mirror: made \d+ triggers on the tables of chef, recipe: plain SQL reaches/),
    ])
    expect(await started()).toEqual(['mirror: all triggers are there'])
  }, 150_000)

  it("are left to whoever the server belongs to, if that is somebody else's", async () => {
    const lines = await started({ MYSQL_URL: `${server.replace(/\/$/, '')}/${database}` })
    expect(lines).toEqual([
      expect.stringMatching(
        /^mirror: plain SQL is not seen until you make \d+ triggers on .*: npx backsync mirror install$/,
      ),
    ])
    const [[row]] = await legacy.query<RowDataPacket[]>(
      'SELECT COUNT(*) AS n FROM information_schema.triggers WHERE event_object_schema = ?',
      [database],
    )
    expect(Number(row?.n)).toBe(0)
  }, 150_000)
})

const isOfMirror = (line: string): boolean => line.startsWith('mirror: ')
