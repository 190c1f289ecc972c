import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ExecuteStatementCommand, RDSDataClient } from '@aws-sdk/client-rds-data'
import { describe, expect, it } from '@jest/globals'
import mysql from 'mysql2/promise'
import { server } from './harness.ts'

const main = fileURLToPath(new URL('../../../../infra/local/data-api/main.ts', import.meta.url))
const start = (...args: string[]) =>
  spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 25_000 })

describe('npm run data-api', () => {
  it('prints one line of JSON, serves, and ends with SIGTERM', async () => {
    const database = `data_api_main_${process.pid}`
    const child = start(
      '--mysql-url',
      process.env.TEST_MYSQL_URL ?? '',
      '--database',
      database,
      '--control-port',
      '0',
      '--limit-rows',
    )
    try {
      const lines: string[] = []
      for await (const line of createInterface({ input: child.stdout })) {
        lines.push(line)
        const ready: Record<string, string> = JSON.parse(line)
        expect(Object.keys(ready)).toEqual(['endpoint', 'resourceArn', 'secretArn', 'database', 'control'])
        expect(ready.database).toBe(database)
        const client = new RDSDataClient({
          endpoint: ready.endpoint ?? '',
          region: 'us-east-1',
          credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
        })
        const { resourceArn, secretArn } = ready
        const command = new ExecuteStatementCommand({ resourceArn, secretArn, sql: 'SELECT DATABASE()' })
        expect((await client.send(command)).records).toEqual([[{ stringValue: database }]])
        const large = new ExecuteStatementCommand({
          resourceArn,
          secretArn,
          sql: "SELECT REPEAT('x', 70000)",
        })
        await expect(client.send(large)).rejects.toThrow('Packet for query is too large')
        client.destroy()
        child.kill('SIGTERM')
      }
      expect(lines).toHaveLength(1)
      if (child.exitCode === null) await once(child, 'exit')
      expect(child.exitCode).toBe(0)
    } finally {
      child.kill('SIGKILL')
      const direct = await mysql.createConnection(server)
      await direct.query(`DROP DATABASE IF EXISTS ${database}`)
      await direct.end()
    }
  })

  it.each([
    ['an unknown option', ['--nonsense']],
    ['a port that is none', ['--port', 'x']],
    ['another kind of URL', ['--mysql-url', 'http://localhost']],
  ])('refuses %s with status 1 and its usage', async (_what, args) => {
    const child = start(...args)
    let errors = ''
    child.stderr.on('data', (bytes) => {
      errors += String(bytes)
    })
    await once(child, 'close')
    expect(child.exitCode).toBe(1)
    expect(errors).toContain('npm run data-api')
  })
})
