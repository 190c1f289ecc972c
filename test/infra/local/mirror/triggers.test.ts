import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { makeTriggers, type TriggersMade } from '../../../../infra/local/mirror/triggers.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'

/** What the line says that starts the stack, by what the command line answers; with a real one: the sample's start.test.ts. */
describe('the triggers of a stack that starts', () => {
  let folder: TemporaryFolder
  beforeAll(async () => {
    folder = await makeFolder()
    await mkdir(join(folder.path, 'infra', 'cli'), { recursive: true })
  })
  afterAll(() => folder.remove())

  /** @param script what stands in place of the command line */
  const outcome = async (
    script: string,
    { external = false, signal = new AbortController().signal } = {},
  ): Promise<TriggersMade> => {
    await writeFile(join(folder.path, 'infra', 'cli', 'main.ts'), script)
    const env = { ...process.env, NODE_OPTIONS: '' }
    return makeTriggers({ repository: folder.path, home: folder.path, env, external, signal })
  }
  const made = async (...of: Parameters<typeof outcome>): Promise<string> => (await outcome(...of)).line
  const answer = (tables: unknown): string => `console.log(${JSON.stringify(JSON.stringify({ tables }))})`
  const chef = { entity: 'chef', tables: ['cheftable'], makes: ['bi', 'au'], drops: [] }
  const recipe = { ...chef, entity: 'recipe' }

  it('are asked of the command line, for the stack in that folder', async () => {
    await made(`import { writeFileSync } from 'node:fs'
      const { argv, env } = process
      writeFileSync('asked.json', JSON.stringify([env.BACKSYNC_HOME, ...argv.slice(2)]))
      ${answer([])}`)
    expect(JSON.parse(await readFile(join(folder.path, 'asked.json'), 'utf8'))).toEqual([
      ...[folder.path, 'mirror', 'install', '--yes', '--json'],
    ])
  })

  it('are told of in one line: how many were made, or that all are there', async () => {
    const list = { ...recipe, tables: ['recipe_ingredients'], makes: ['bi'] }
    expect(await made(answer([chef, recipe, list]))).toBe(
      'mirror: made 5 triggers on the tables of chef, recipe: plain SQL reaches DynamoDB, too',
    )
    expect(await made(answer([]))).toBe('mirror: all triggers are there')
  })

  it('have woken the relay where the command line has made some, and not else', async () => {
    const of = async (...given: Parameters<typeof outcome>) => (await outcome(...given)).isWoken
    expect(await of(answer([chef]))).toBe(true)
    expect([await of(answer([])), await of(answer([chef]), { external: true }), await of('')]).toEqual([
      ...[false, false, false],
    ])
  })

  it('are found past what the runtime warns of', async () => {
    expect(await made(`console.error('(node:1) Warning: x'); ${answer([])}; console.log('later')`)).toBe(
      'mirror: all triggers are there',
    )
  })

  it("are only looked for on somebody else's server, and named with what to type", async () => {
    const asked = `if (process.argv.includes('--yes') || !process.argv.includes('--dry-run')) process.exit(9)\n`
    expect(await made(asked + answer([chef]), { external: true })).toBe(
      'mirror: plain SQL is not seen until you make 2 triggers on the tables of chef: npx backsync mirror install',
    )
    expect(await made(asked + answer([]), { external: true })).toBe('mirror: all triggers are there')
  })

  it.each([
    [
      'it is refused',
      "console.error('backsync: cheftable is held by 7; wait'); process.exitCode = 4",
      'cheftable is held by 7; wait',
    ],
    ['it breaks', 'process.exitCode = 1', 'it ended with 1'],
    ['it is killed', "process.kill(process.pid, 'SIGKILL')", 'it ended with null'],
    ['it says something else', "console.log('hello')", 'it answered: hello'],
    ['it says other JSON', "console.log('{}')", 'it answered: {}'],
  ])('are said to be missing, with the reason and what to type, where %s', async (_, script, reason) => {
    expect(await made(script)).toBe(
      `mirror: not all triggers are made, so plain SQL may go unseen: ${reason}; to try again: npx backsync mirror install`,
    )
  })

  it('are given up with the start', async () => {
    const stop = new AbortController()
    const running = made('setInterval(() => {}, 1000)', { signal: stop.signal })
    stop.abort()
    expect(await running).toContain('interrupted')
  })
})
