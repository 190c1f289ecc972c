import { LambdaClient } from '@aws-sdk/client-lambda'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { LambdaInvoker } from '../../../functions/bridge/drivers/lambda/invoker.ts'
import { statementRunner } from '../../../functions/bridge/drivers/lambda/statement-runner.ts'
import { isDoneAlready, isRefusal } from '../../../functions/bridge/migrations/refusal.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { openTestAurora, type TestAurora } from '../../support/aurora.ts'
import { processes } from '../../support/processes.ts'
import { type StatementFunction, startStatementFunction } from '../../support/statement-function.ts'
import { until } from '../../support/until.ts'

const TRIGGER = 'CREATE TRIGGER dish_bi BEFORE INSERT ON dish FOR EACH ROW SET NEW.n = 7'

describe('the function that runs statements', () => {
  let aurora: TestAurora
  let started: StatementFunction
  let client: LambdaClient
  beforeAll(async () => {
    aurora = await openTestAurora()
    started = await startStatementFunction(aurora, 3)
    client = new LambdaClient({
      endpoint: started.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
    })
    await aurora.legacy.query('CREATE TABLE dish (id INT PRIMARY KEY, n INT)')
  }, 60_000)
  afterEach(() => aurora.legacy.query('DROP TRIGGER IF EXISTS dish_bi'))
  afterAll(async () => {
    client?.destroy()
    await started?.close()
    await aurora?.close()
  })

  const run = (statement: string, { name = started.name, timeout = 20_000 } = {}): Promise<void> =>
    statementRunner(new LambdaInvoker(() => client, new Deadline()), name, () => timeout)(statement)
  const fails = async (work: Promise<void>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    )

  it('makes what the Data API can not prepare', async () => {
    await expect(aurora.client.execute({ sql: TRIGGER })).rejects.toMatchObject({ errno: 1295 })
    await run(TRIGGER)
    await aurora.legacy.query('INSERT INTO dish VALUES (1, 0)')
    const [rows] = await aurora.legacy.query<RowDataPacket[]>('SELECT n FROM dish WHERE id = 1')
    expect(rows).toEqual([{ n: 7 }])
  })

  it('says what the server has against one, of which nothing is left', async () => {
    const error = await fails(run('CREATE TRIGGER dish_bi BEFORE NONSENSE'))
    expect(error).toMatchObject({
      name: 'RunnerError',
      code: 'mysql.1064',
      errno: 1064,
      kind: 'configuration',
    })
    expect([isRefusal(error), isDoneAlready(error)]).toEqual([true, false])
    expect(String(error)).not.toContain('NONSENSE')
  })

  it('says of one that is done already that it is', async () => {
    await run(TRIGGER)
    expect(isDoneAlready(await fails(run(TRIGGER)))).toBe(true)
  })

  it('leaves open what became of one that outlasts it, and has it ended at the server', async () => {
    const { legacy } = aurora
    await legacy.query('BEGIN')
    await legacy.query('SELECT * FROM dish')
    const error = await fails(run('ALTER TABLE dish ADD COLUMN m INT')).finally(() => legacy.query('COMMIT'))
    expect(error).toMatchObject({ name: 'RunnerError', kind: 'transient' })
    expect(isRefusal(error)).toBe(false)
    const isRunning = async () =>
      (await processes(legacy)).some(({ statement }) => statement.startsWith('ALTER TABLE dish'))
    await until('it is ended', 10_000, async () => !(await isRunning()))
    const [columns] = await legacy.query<RowDataPacket[]>("SHOW COLUMNS FROM dish LIKE 'm'")
    expect(columns).toEqual([])
  })

  it('leaves open what became of one whose answer nobody waits for', async () => {
    const error = await fails(run('DO SLEEP(1)', { timeout: 200 }))
    expect(error).toMatchObject({ code: 'runner.lost' })
    expect(isRefusal(error)).toBe(false)
  })

  it('has run nothing where it is not there', async () => {
    const error = await fails(run(TRIGGER, { name: 'Nobody' }))
    expect(error).toMatchObject({ name: 'InvokeError', kind: 'configuration' })
    expect(isRefusal(error)).toBe(true)
  })
})
