import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { serve } from '../../../../functions/bridge/api/serve.ts'
import { DynamoStore } from '../../../../functions/bridge/dynamo/dynamo-store.ts'
import { normaliseApiEvent } from '../../../../functions/bridge/normalise/api.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { Tables } from '../../../../functions/bridge/runtime/tables.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { httpApiEvent } from '../../../functions/fixtures/http-events.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'
import { silent } from '../../../support/log.ts'
import { jsonLines, openTestStack, type TestStack } from '../harness.ts'

const AT = '2026-11-22T10:00:00.000Z'

describe('backsync compare', () => {
  let stack: TestStack
  let server: Server
  let folder: TemporaryFolder
  let url: string
  /** Method and path of each request that the API has got. */
  const asked: string[] = []
  beforeAll(async () => {
    stack = await openTestStack()
    folder = await makeFolder()
    const tables = new Tables({ chef: stack.tableOf('chef') })
    const parts = {
      client: stack.parking.client,
      idempotencyTable: 'none',
      deadline: new Deadline(),
      log: silent,
    }
    const stores = { aurora: stack.aurora.store, dynamo: new DynamoStore({ ...parts, tables }) }
    // Both sides as they are deployed, behind a gateway that knows their paths and no other.
    server = createServer((request, response) => {
      const { pathname, search } = new URL(request.url ?? '', 'http://x')
      asked.push(`${request.method} ${pathname}`)
      const base = pathname.startsWith('/aurora/') ? 'aurora' : 'dynamo'
      const event = httpApiEvent(request.method ?? '', pathname, { query: search.slice(1) })
      const call = normaliseApiEvent(event, {
        entities: [chef],
        base,
        now: () => new Date(),
        newKey: () => '',
      })
      if (call === undefined || !/^\/(?:aurora|dynamo)\//.test(pathname)) {
        response.writeHead(404).end('{"message":"Not Found"}')
        return
      }
      void serve(call, stores[base], { requestId: String(asked.length), log: silent }).then((answer) =>
        response.writeHead(answer.statusCode, answer.headers).end(answer.body),
      )
    })
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    const address = server.address()
    url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
    const write = (key: string, version: bigint, firstName: string) =>
      stack.aurora.writer.apply(
        chef,
        [
          {
            ...{ entity: 'chef', key, op: 'upsert', version, source: 'stream', at: AT },
            row: { firstName, lastName: 'Point' },
          },
        ],
        'dynamo',
      )
    const put = (key: string, version: number, firstName: string) =>
      stack.put('chef', key, version, { firstName: { S: firstName }, lastName: { S: 'Point' } })
    await write('same', 2n, 'Ida')
    await put('same', 2, 'Ida')
    await write('late', 1n, 'Ida')
    await put('late', 2, 'Ada')
    await write('torn', 2n, 'Ida')
    await put('torn', 2, 'Ada')
  }, 60_000)
  afterAll(async () => {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
    await folder.remove()
    await stack.close()
  })

  const compare = (...args: readonly string[]) => stack.run('compare', ...args, '--url', url)
  const asJson = async (...args: readonly string[]) => {
    const { code, stdout } = await compare(...args, '--json')
    return { code, told: jsonLines(stdout) }
  }

  it('shows both sides of a key that is the same, whose it is, and that there is no facade', async () => {
    const { code, stdout, stderr } = await compare('GET', '/chefs/same')

    expect([code, stderr]).toEqual([0, ''])
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['GET /chefs/same', '(chef same, owner dynamo)'],
      ['side', 'status', 'time', 'version', 'size'],
      ['legacy', '200', expect.stringMatching(/^\d+ ms$/), '2', expect.stringMatching(/^\d+ bytes$/)],
      ['modern', '200', expect.stringMatching(/^\d+ ms$/), '2', expect.stringMatching(/^\d+ bytes$/)],
      ['facade', 'no such route', '-', '-', '-'],
      ['result', 'legacy and modern: equal'],
      [''],
    ])
  })

  it.each([
    ['/chefs/late', 'behind', { behind: 'legacy' }],
    ['/aurora/chefs/torn', 'different', {}],
  ])('tells of %s that it is %s, where, and ends with 3', async (path, verdict, more) => {
    const { code, told } = await asJson(path)
    expect(code).toBe(3)
    expect(told).toMatchObject([
      {
        ...{ verdict, entity: 'chef', owner: 'dynamo' },
        sides: [
          { side: 'legacy', status: 200, body: { firstName: 'Ida' } },
          { side: 'modern' },
          { is: 'absent' },
        ],
        comparisons: [{ ...more, between: ['legacy', 'modern'] }],
      },
    ])
    expect(JSON.stringify(told)).toContain(
      '{"path":"/firstName","is":"value","left":"\\"Ida\\"","right":"\\"Ada\\""}',
    )
    const { stdout } = await compare('GET', path)
    expect(stdout).toMatch(/^ {2}\/firstName\n {2}- legacy +"Ida"\n {2}\+ modern +"Ada"$/m)
  })

  it('takes both for equal where neither has it', async () => {
    expect(await asJson('/chefs/nobody')).toMatchObject({ code: 0, told: [{ verdict: 'equal' }] })
  })

  it('asks the requests of a file, a line of JSON each, and leaves out none without a word', async () => {
    const file = join(folder.path, 'requests.http')
    await writeFile(file, '@k = same\n### one\nGET /chefs/{{k}}\n\n### list\nGET /chefs?limit=50\n')
    const { code, told } = await asJson('--file', file)
    expect(code).toBe(3)
    expect(told).toMatchObject([
      { title: 'one', key: 'same', verdict: 'equal' },
      { title: 'list', path: '/chefs?limit=50', verdict: 'different' },
    ])
    expect(await asJson('--file', file, '--name', 'one')).toMatchObject({ code: 0, told: [{ title: 'one' }] })
    expect(await compare('--file', file, '--name', 'two')).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining('has no request two; it has one, list') },
    })
  })

  it('sends no write to anybody: refuses it before anything is asked, also in a file', async () => {
    const file = join(folder.path, 'writes.http')
    await writeFile(
      file,
      'GET /chefs/same\n###\nPUT /chefs/same\nContent-Type: application/json\n\n{"x":1}\n',
    )
    asked.length = 0
    for (const args of [
      ['DELETE', '/chefs/same'],
      ['POST', '/chefs', '--repeat', '2'],
      ['--file', file],
    ]) {
      const { code, stderr } = await compare(...args)
      expect([code, stderr]).toEqual([4, expect.stringContaining('only GET and HEAD are compared')])
    }
    expect(asked).toEqual([])

    const { code, stderr } = await compare('--file', file, '--reads-only')
    expect([code, stderr]).toEqual([0, '1 request that may change something was passed over\n'])
    expect(asked.every((one) => one.startsWith('GET '))).toBe(true)
  })

  it('tells with --repeat how long each side takes', async () => {
    const { code, stdout } = await compare('GET', '/chefs/same', '--repeat', '3')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^legacy +3 +0 +[\d.]+ ms +[\d.]+ ms +[\d.]+ ms$/m)
    expect(stdout).toMatch(/^rounds +3: 3 equal$/m)
    expect(await asJson('/chefs/torn', '--repeat', '2')).toMatchObject({
      code: 3,
      told: [{ repeated: { rounds: 2, verdicts: { different: 2 } } }],
    })
  })

  it('fails, and is not equal, where nobody answers', async () => {
    const { code, stdout } = await stack.run('compare', '/chefs/same', '--url', 'http://127.0.0.1:1')
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(/^result +failed: not every side has answered$/m),
    ])
  })

  it.each([
    [[], 'nothing says what is compared'],
    [['/cooks/1'], 'nothing is at /cooks/1; known are /chefs'],
    [['--file', '/nowhere.http'], "/nowhere.http can't be read: ENOENT"],
    [['/chefs/1', '--header', 'none'], '--header "none" is none'],
    [['/chefs/1', '--reads-only'], '--name and --reads-only go with --file'],
    [['/chefs/1', '--repeat', '0'], '--repeat "0" is not a whole number'],
  ])('%j is wrong usage', async (args, message) => {
    expect(await compare(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
  })
})
