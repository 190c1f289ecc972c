import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { LambdaLog } from '../../../../functions/bridge/runtime/log.ts'

/** Runs statements with a logger in a process of their own, as Lambda would, and reads the lines that it prints. */
const logged = async (statements: string): Promise<Record<string, unknown>[]> => {
  const source = (path: string): string =>
    JSON.stringify(new URL(`../../../../functions/bridge/${path}`, import.meta.url).href)
  const script = `
    import { LambdaLog } from ${source('runtime/log.ts')}
    import { DataApiError } from ${source('drivers/data-api/errors.ts')}
    import { InvalidRecordError } from ${source('model/errors.ts')}
    const log = new LambdaLog('legacy')
    ${statements}`
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', script],
    {
      timeout: 20_000,
    },
  )
  return `${stdout}${stderr}`
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): Record<string, unknown> => JSON.parse(line))
}

describe('the log', () => {
  it('is one line of JSON an entry, with the request id of the invocation that it belongs to', async () => {
    const lines = await logged(`
      log.begin('request-1')
      log.info('applied', { entity: 'chef', applied: 2 })
      log.begin('request-2')
      log.warn('refused')`)

    expect(lines).toMatchObject([
      {
        level: 'INFO',
        service: 'legacy',
        requestId: 'request-1',
        message: 'applied',
        entity: 'chef',
        applied: 2,
      },
      { level: 'WARN', service: 'legacy', requestId: 'request-2', message: 'refused' },
    ])
  })

  it('shows an error with its kind and its cause', async () => {
    const [line] = await logged(`
      log.error('bad record', { error: new InvalidRecordError('version is missing', { cause: new Error('why') }) })`)

    expect(line).toMatchObject({
      level: 'ERROR',
      error: {
        name: 'InvalidRecordError',
        code: 'record.invalid',
        kind: 'data',
        message: 'version is missing',
        stack: expect.stringContaining('InvalidRecordError'),
        cause: { name: 'Error', message: 'why' },
      },
    })
  })

  it.each([
    ["Duplicate entry 'hunter2' for key 'u'; Error code: 1062; SQLState: 23000", 1062],
    ["Something about 'hunter2'; Error code: 7777; SQLState: HY000", 7777],
  ])("leaves out MySQL's text where it quotes a customer's value: %s", async (text, errno) => {
    const [line] = await logged(`
      const cause = Object.assign(new Error(${JSON.stringify(text)}), { name: 'DatabaseErrorException' })
      log.error('refused change', { error: new DataApiError('ExecuteStatement', cause) })`)

    expect(line).toMatchObject({ error: { errno, cause: { name: 'DatabaseErrorException' } } })
    expect(JSON.stringify(line)).not.toContain('hunter2')
  })

  it("keeps the text of an error about the connection: it is what helps, and it isn't a customer's", async () => {
    const [line] = await logged(`
      const cause = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:3306'), { code: 'ECONNREFUSED' })
      log.error('request failed', { error: new DataApiError('ExecuteStatement', cause) })`)

    expect(line).toMatchObject({
      error: { kind: 'transient', cause: { message: 'connect ECONNREFUSED 127.0.0.1:3306' } },
    })
  })

  it('shows what JSON has no form for, wherever it stands, and never fails for it', async () => {
    const [line] = await logged(`
      const circle = { name: 'circle' }
      circle.self = circle
      const twice = { n: 1 }
      log.info('odd', { version: 2n ** 70n, circle, twice: [twice, twice],
        deep: [{ error: new InvalidRecordError('inside') }] })`)

    expect(line).toMatchObject({
      version: '1180591620717411303424',
      circle: { name: 'circle', self: '[circular]' },
      twice: [{ n: 1 }, { n: 1 }],
      deep: [{ error: { name: 'InvalidRecordError', message: 'inside', code: 'record.invalid' } }],
    })
  })

  it('ends at an error that is its own cause', async () => {
    const [line] = await logged(`
      const error = new Error('round')
      error.cause = error
      log.error('odd', { error })`)

    expect(line).toMatchObject({ error: { message: 'round', cause: '[circular]' } })
  })

  it("lets no field take the entry's own place", async () => {
    const [line] = await logged(`log.info('own', { message: 'other', level: 'DEBUG', requestId: 'x' })`)
    expect(line).toMatchObject({ message: 'own', level: 'INFO' })
  })

  it.each([
    ['error', ['c']],
    ['WARN', ['b', 'c']],
    ['info', ['a', 'b', 'c']],
    ['debug', ['a', 'b', 'c']],
    ['nonsense', ['a', 'b', 'c']],
    [undefined, ['a', 'b', 'c']],
  ])('leaves out what is below its level: LOG_LEVEL=%s', (level, expected) => {
    const before = process.env.LOG_LEVEL
    const messages: unknown[] = []
    try {
      if (level === undefined) delete process.env.LOG_LEVEL
      else process.env.LOG_LEVEL = level
      const log = new LambdaLog('legacy', {
        write: (line) => messages.push(JSON.parse(line).message),
      })
      log.info('a')
      log.warn('b')
      log.error('c')
    } finally {
      if (before === undefined) delete process.env.LOG_LEVEL
      else process.env.LOG_LEVEL = before
    }
    expect(messages).toEqual(expected)
  })
})
