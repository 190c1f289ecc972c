import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type LocalStack, startLocalStack } from '../../../../infra/local/stack.ts'
import { until } from '../streams/until.ts'
import { bridge, environment } from './bridge.fixture.ts'
import { writeAssembly } from './fixture.ts'

describe('the local stack', () => {
  const database = `stack_test_${process.pid}_${Date.now().toString(36)}`
  let home: string
  let assembly: string
  let stack: LocalStack
  const lines: string[] = []
  const consent = async (): Promise<void> => {}
  const start = () => startLocalStack({ home, assembly, consent, log: (line) => lines.push(line) })
  const list = async (): Promise<unknown> => (await fetch(`${stack.url}/things`)).json()
  const add = (id: string) =>
    fetch(`${stack.url}/things`, {
      method: 'POST',
      body: JSON.stringify({ id }),
      headers: { 'content-type': 'application/json' },
    })

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'backsync-stack-'))
    assembly = await writeAssembly(join(home, 'assembly'), bridge(database))
    stack = await start()
  }, 120_000)

  afterAll(async () => {
    await stack?.close()
    await rm(home, { recursive: true, force: true })
  })

  it('has run the migration before the first request', async () => {
    expect(await list()).toEqual([])
  })

  it('answers in both forms, and carries a write through the stream into MySQL', async () => {
    const answer = await add('one')

    expect(answer.status).toBe(201)
    expect(answer.headers.get('x-request')).toMatch(/^[0-9a-f-]{36}$/)
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    await until(async () => expect(await list()).toEqual(['one']))
  })

  it('adds up what the function and its event source mapping measure, apart from the progress lines', async () => {
    await until(() =>
      expect(stack.metrics()).toEqual([
        expect.objectContaining({ service: 'event-source-mapping', entity: 'Mapping', name: 'IteratorAge' }),
        expect.objectContaining({ service: 'sync', entity: 'thing', name: 'Seen', sum: 1, count: 1 }),
      ]),
    )
    const [age] = stack.metrics()
    expect(age?.max).toBeLessThan(30_000)
    expect(lines.join('\n')).not.toContain('_aws')
  })

  it('sets a record that always fails aside, with its payload, and goes on', async () => {
    await add('bad-two')
    await add('three')

    await until(async () => expect(await list()).toEqual(['one', 'three']))
    await until(async () => {
      const folder = join(home, 'failures')
      const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.json'))
      expect(files).toHaveLength(1)
      const body = JSON.parse(await readFile(join(folder, String(files[0])), 'utf8'))
      expect(body.requestContext.condition).toBe('RetryAttemptsExhausted')
      expect(body.requestContext.approximateInvokeCount).toBe(2)
      expect(body.DDBStreamBatchInfo.batchSize).toBe(1)
      expect(body.payload.Records[0].dynamodb.Keys).toEqual({ id: { S: 'bad-two' } })
    })
  })

  it('says where everything is', async () => {
    const facts = JSON.parse(await readFile(join(home, 'stack.json'), 'utf8'))

    expect(facts).toMatchObject({ url: stack.url, pid: process.pid, outputs: { Url: `${stack.url}/things` } })
    expect(stack.notes.join()).toContain('AWS::EC2::SecurityGroup')
    expect(stack.clusters[0]).toMatchObject({ database })
  })

  it('refuses a second stack in the same home, by its process', async () => {
    await expect(start()).rejects.toMatchObject({ code: 'stack.home-in-use', pid: process.pid })
  })

  it('keeps data and its place in the stream over a restart', async () => {
    await stack.close()
    expect(await readdir(home)).not.toContain('stack.json')
    stack = await start()

    expect(await list()).toEqual(['one', 'three'])
    await add('four')
    await until(async () => expect(await list()).toEqual(['one', 'three', 'four'].sort()))
    const log = await readFile(join(home, 'logs', 'Fixture-Sync.log'), 'utf8')
    // One invocation that fails, one that repeats it: the restart did not deliver the record again.
    expect(JSON.stringify(lines).match(/given up/g)).toHaveLength(1)
    expect(log).toMatch(/REPORT RequestId: .*Billed Duration: \d+ ms/)
  }, 60_000)

  it('fails to start, and stops what it has started, when the migration fails', async () => {
    const broken = await mkdtemp(join(tmpdir(), 'backsync-stack-'))
    const { functions, ...rest } = bridge(`${database}_b`)
    const source = 'export const handler = async () => { throw new RangeError("no such column") }'
    const folder = await writeAssembly(join(broken, 'assembly'), {
      ...rest,
      functions: { ...functions, Migrate: { source, properties: environment } },
    })

    const failing = startLocalStack({ home: broken, assembly: folder, consent })

    await expect(failing).rejects.toThrow(/MigrateTrigger .*RangeError: no such column/)
    expect(await readdir(broken)).not.toContain('stack.lock')
    expect(await readdir(broken)).not.toContain('mysql.pid')
    await rm(broken, { recursive: true, force: true })
  }, 60_000)
})
