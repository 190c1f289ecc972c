import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { chefItem, chefRecord } from '../../../functions/fixtures/recipe-records.ts'
import { jsonLines, openTestStack, type TestStack } from '../harness.ts'

const HOUR = 3_600_000

describe('the filters of backsync undelivered', () => {
  let stack: TestStack
  beforeAll(async () => {
    stack = await openTestStack()
  }, 60_000)
  afterAll(() => stack.close())
  beforeEach(async () => {
    for (const head of await stack.failures.undelivered.heads())
      await stack.failures.undelivered.end(head, 'dropped')
  })

  /** Given up so many hours ago. @returns its id */
  const give = async (key: string, hours: number, table = stack.tableOf('chef')): Promise<string> => {
    const record = chefRecord(chefItem(key, 1))
    const eventSourceARN = record.eventSourceARN.replace('/Chefs/', `/${table}/`)
    const at = new Date(Date.now() - hours * HOUR)
    const object = await stack.failures.give([{ ...record, eventSourceARN }], { table, at })
    return object.slice(object.lastIndexOf('/') + 1)
  }
  const idsIn = (stdout: string): unknown[] => jsonLines(stdout).map((line) => Object(line).id)
  const listed = async (...args: readonly string[]) =>
    idsIn((await stack.run('undelivered', 'list', '--json', ...args)).stdout)

  it('narrow the list by entity, function, reason and age', async () => {
    const [old, young] = [await give('o', 5), await give('y', 1)]
    const other = await give('r', 3, stack.tableOf('recipe'))

    expect(await listed()).toEqual([old, other, young])
    expect(await listed('--entity', 'chef')).toEqual([old, young])
    expect(await listed('--entity', 'chef', '--older-than', '2h')).toEqual([old])
    expect(await listed('--newer-than', '2h')).toEqual([young])
    expect(await listed('--code', 'RecordAgeExceeded')).toEqual([])
    expect(await listed('--function', 'Another')).toEqual([])
    const table = await stack.run('undelivered', 'list', '--entity', 'recipe')
    expect(table.stdout).toContain(other)
    expect(table.stdout).not.toContain(old)
  })

  it('export with --records what is in them', async () => {
    await give('e1', 1)
    const { stdout } = await stack.run('undelivered', 'list', '--json', '--records')

    expect(jsonLines(stdout)).toEqual([
      expect.objectContaining({ records: [expect.objectContaining({ eventSource: 'aws:dynamodb' })] }),
    ])
    expect(await stack.run('undelivered', 'list', '--records')).toMatchObject({ code: 2 })
  })

  it('say what is delivered again, and deliver that and nothing else', async () => {
    const [old, young] = [await give('d1', 5), await give('d2', 1)]
    const filter = ['--entity', 'chef', '--older-than', '2h']

    const dry = await stack.run('undelivered', 'redrive', ...filter, '--dry-run', '--json')
    expect(idsIn(dry.stdout)).toEqual([old])
    const { code, stdout } = await stack.run('undelivered', 'redrive', ...filter, '--yes', '--json')
    expect([code, idsIn(stdout)]).toEqual([0, [old]])
    expect(await listed()).toEqual([young])
    const none = await stack.run('undelivered', 'redrive', ...filter, '--yes')
    expect(none.stdout).toBe('nothing to redrive: none is like that\n')
  })

  it('say which are dropped; nothing said drops none', async () => {
    const [old, young] = [await give('x1', 5), await give('x2', 1)]

    const unsaid = await stack.run('undelivered', 'drop', '--yes')
    expect([unsaid.code, unsaid.stderr]).toEqual([2, expect.stringContaining('nothing says which batches')])
    const dry = await stack.run('undelivered', 'drop', '--older-than', '2h', '--dry-run', '--json')
    expect([idsIn(dry.stdout), await listed()]).toEqual([[old], [old, young]])

    expect(await stack.run('undelivered', 'drop', '--older-than', '2h', '--yes')).toMatchObject({ code: 0 })
    expect(await listed()).toEqual([young])
  })

  it('refuse what no stream brings, and name what to say', async () => {
    const { code, stderr } = await stack.run('undelivered', 'list', '--entity', 'chef.conflicts')
    expect([code, stderr]).toEqual([2, expect.stringContaining('say chef;')])
  })
})
