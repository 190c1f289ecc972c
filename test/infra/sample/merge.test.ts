import { existsSync } from 'node:fs'
import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { planInit } from '../../../infra/cli/init/plan.ts'
import { runCommand } from '../../../infra/local/processes/command.ts'
import { commitAll, copyCheckout, git } from '../../support/checkout.ts'
import type { TemporaryFolder } from '../../support/folder.ts'

/** What a team has, once the sample is gone. */
const TEAM = {
  'functions/entities/dish.ts': `import { text } from '../bridge/model/attributes/text.ts'
import { defineEntity } from '../bridge/model/entity.ts'
import { autoIncrement } from '../bridge/model/identity.ts'

export const dish = defineEntity({
  name: 'dish',
  plural: 'dishes',
  keyName: 'dishId',
  table: 'dishtable',
  identity: autoIncrement('id'),
  attributes: { title: text({ column: 'title', maxLength: 200 }) },
  example: { title: 'Soup' },
})
`,
  'functions/entities/index.ts': "import { dish } from './dish.ts'\n\nexport const entities = [dish]\n",
  'functions/tables/index.ts': 'export const tables = []\nexport const projections = []\n',
  'sql/0008_adopt_dishes.up.sql': 'SELECT 1;\n',
  'sql/0008_adopt_dishes.down.sql': 'SELECT 2;\n',
  'cdk.context.json': '{ "databaseName": "shop" }\n',
  'infra/extensions.ts': 'export const extensions = []\n',
}

/** A team's repository, and the next release that it merges. */
describe('a release that is merged after the sample was removed', () => {
  let folder: TemporaryFolder

  const at = (path: string): string => join(folder.path, path)
  const put = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(at(path)), { recursive: true })
    await writeFile(at(path), text)
  }
  const must = async (...args: string[]): Promise<string> => {
    const { code, output } = await git(folder.path, ...args)
    if (code !== 0) throw new Error(`git ${args.join(' ')}: ${output}`)
    return output
  }
  const init = () =>
    runCommand(process.execPath, [at('infra/cli/main.ts'), 'init', '--yes'], {
      withinMs: 60_000,
      cwd: folder.path,
      env: { ...process.env, NODE_OPTIONS: '' },
    })
  const commit = (message: string): Promise<string> =>
    must('add', '--all').then(() => must('commit', '--quiet', '-m', message))
  const teams = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      await Promise.all(Object.keys(TEAM).map(async (path) => [path, await readFile(at(path), 'utf8')])),
    )

  beforeAll(async () => {
    folder = await copyCheckout()
    await commitAll(folder.path, 'The release that the team began with')
    await must('checkout', '--quiet', '-b', 'team')
    expect(await init()).toMatchObject({ code: 0 })
    await commit('Remove the sample')
    for (const [path, text] of Object.entries(TEAM)) await put(path, text)
    await commit('Ours')

    await must('checkout', '--quiet', 'main')
    for (const path of ['functions/bridge/model/change.ts', 'infra/stack.ts', 'test/run.mjs'])
      await appendFile(at(path), '// next\n')
    await put('sql/bridge/0001_next.up.sql', 'SELECT 3;\n')
    await put('functions/bridge/model/next.ts', 'export const next = 1\n')
    await commit('Change the product')
    await must('tag', 'product')

    for (const path of [
      'functions/sample/chef.ts',
      'infra/sample/items.ts',
      'test/infra/sample/items.test.ts',
    ])
      await appendFile(at(path), '// next\n')
    await appendFile(at('sql/0003_adopt_chefs.down.sql'), '-- next\n')
    await put('functions/sample/waiter.ts', 'export const waiter = 1\n')
    await rm(at('functions/sample/recipe.ts'))
    for (const way of ['up', 'down']) await put(`sql/0009_legacy_waiters.${way}.sql`, 'SELECT 4;\n')
    const list = await readFile(at('infra/cli/init/sample.ts'), 'utf8')
    await put('infra/cli/init/sample.ts', list.replace("'0001_legacy_chefs'", "'0009_legacy_waiters', $&"))
    await commit('Change the sample')
    await must('tag', 'sample')

    const readme = await readFile(at('README.md'), 'utf8')
    await put('README.md', readme.replace('<!-- sample:begin -->\n', '$&Look at this.\n'))
    await commit('Say more of the sample')
    await must('tag', 'readme')
    await must('checkout', '--quiet', 'team')
  }, 120_000)
  afterAll(() => folder.remove())

  const arrived = async (): Promise<void> => {
    expect(await readFile(at('infra/stack.ts'), 'utf8')).toMatch(/\/\/ next\n$/)
    expect(await readFile(at('functions/bridge/model/change.ts'), 'utf8')).toMatch(/\/\/ next\n$/)
    expect(existsSync(at('functions/bridge/model/next.ts'))).toBe(true)
    expect(existsSync(at('sql/bridge/0001_next.up.sql'))).toBe(true)
    expect(await teams()).toEqual(TEAM)
    expect(await must('status', '--porcelain')).toBe('')
  }

  it('changes the product, and nothing of what is the team’s', async () => {
    await must('merge', '--quiet', '-m', 'Merge the next release', 'product')
    await arrived()
    expect((await planInit(folder.path)).steps).toEqual([])
  }, 60_000)

  it('brings no part of the sample back, by the command that the handbook names', async () => {
    const merged = await git(folder.path, 'merge', '--quiet', '-m', 'Merge the next release', 'sample')
    expect(merged).toMatchObject({ code: 1, output: expect.stringMatching(/modify\/delete.*chef\.ts/) })

    const command = 'npx backsync init --yes && git commit --all --no-edit'
    expect(await readFile(at('infra/cli/README.md'), 'utf8')).toContain(command)
    expect(await init()).toMatchObject({ code: 0 })
    await must('commit', '--all', '--quiet', '--no-edit')

    await arrived()
    for (const path of [
      'functions/sample',
      'infra/sample',
      'test/infra/sample',
      'sql/0009_legacy_waiters.up.sql',
    ])
      expect([path, existsSync(at(path))]).toEqual([path, false])
    expect(await must('log', '-1', '--format=%s')).toBe('Merge the next release')
  }, 60_000)

  it('that says more of the sample in README.md: says which side to keep', async () => {
    expect(await git(folder.path, 'merge', '--quiet', '-m', 'Merge it', 'readme')).toMatchObject({ code: 1 })
    expect(await init()).toMatchObject({
      code: 4,
      output: expect.stringContaining('README.md has conflicts of a merge (git checkout --ours README.md'),
    })

    await must('checkout', '--ours', 'README.md')
    expect(await init()).toMatchObject({ code: 0 })
    await must('commit', '--all', '--quiet', '--no-edit')
    await arrived()
    expect(await readFile(at('README.md'), 'utf8')).not.toContain('Look at this.')
  }, 60_000)
})
