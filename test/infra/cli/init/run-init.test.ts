import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { runInit } from '../../../../infra/cli/commands/init/run-init.ts'
import { reportFailure } from '../../../../infra/cli/conventions/failure.ts'
import { carryOut } from '../../../../infra/cli/init/carry-out.ts'
import { planInit } from '../../../../infra/cli/init/plan.ts'
import { commitAll } from '../../../support/checkout.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'
import { fakeTerminal } from '../conventions/terminal.ts'

/** A checkout in small. */
const FILES = {
  'functions/entities/index.ts':
    "import { sampled } from '../sample/entities.ts'\n\nexport const entities = [...sampled]\n",
  'functions/tables/index.ts': 'export const tables = []\n',
  'functions/sample/entities.ts': 'export const sampled = [1]\n',
  'functions/bridge/core.ts': 'export const core = 1\n',
  'infra/extensions.ts': 'export const extensions = []\n',
  'infra/sample/deep/walk.ts': "import '../../../functions/sample/entities.ts'\n",
  'infra/README.md': 'a\n<!-- sample:begin -->\nb\n<!-- sample:end -->\n',
  'test/functions/sample/entities.test.ts': '',
  'sql/0001_legacy_chefs.up.sql': 'SELECT 1;\n',
  'sql/0001_legacy_chefs.down.sql': 'SELECT 1;\n',
  'sql/0002_mine.up.sql': 'SELECT 2;\n',
  'README.md': '# It\n<!-- sample:begin -->\nchefs\n<!-- sample:end -->\n',
  'package.json': `${JSON.stringify({ name: 'x', scripts: { start: 's', walkthrough: 'w', sample: 's' } }, null, 2)}\n`,
}

describe('backsync init', () => {
  let folder: TemporaryFolder
  beforeEach(async () => {
    folder = await makeFolder()
    for (const [path, text] of Object.entries(FILES)) await put(path, text)
  })
  afterEach(() => folder.remove())

  const put = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(folder.path, path)), { recursive: true })
    await writeFile(join(folder.path, path), text)
  }
  const read = (path: string): Promise<string> => readFile(join(folder.path, path), 'utf8')
  const all = async (): Promise<Record<string, string>> => {
    const entries = await readdir(folder.path, { recursive: true, withFileTypes: true })
    const files = entries
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('.git'))
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.path.length + 1))
    return Object.fromEntries(await Promise.all(files.map(async (path) => [path, await read(path)])))
  }
  const run = async (
    manner: { yes?: boolean; dryRun?: boolean; json?: boolean; typed?: string; interrupted?: boolean } = {},
  ) => {
    const { yes = false, dryRun = false, json = false, typed, interrupted = false } = manner
    const terminal = fakeTerminal(typed !== undefined)
    if (typed !== undefined) terminal.stdin.write(`${typed}\n`)
    const interrupt = interrupted ? AbortSignal.abort() : new AbortController().signal
    const code = await runInit({ io: terminal.io, json, yes, dryRun, interrupt }, folder.path).catch(
      (error: unknown) => reportFailure(terminal.io, error, false),
    )
    return { code, stdout: terminal.stdout(), stderr: terminal.stderr() }
  }

  it('shows what it does, asks, and removes the sample: what is left is listed in README.md', async () => {
    const { code, stdout, stderr } = await run({ typed: 'sample' })

    expect(code).toBe(0)
    expect(stdout).toBe(
      [
        'rewrite  functions/entities/index.ts  (without the sample)',
        'rewrite  README.md  (says what to do next)',
        'rewrite  infra/README.md  (without the sample)',
        'rewrite  package.json  (without walkthrough, sample)',
        'delete   functions/sample',
        'delete   infra/sample',
        'delete   test/functions/sample',
        'delete   sql/0001_legacy_chefs.up.sql',
        'delete   sql/0001_legacy_chefs.down.sql',
        'the sample is gone; README.md says what to do next',
        '',
      ].join('\n'),
    )
    expect(stderr).toMatch(/Removing the sample from .*, as above; no git is here to bring it back\.\n/)
    expect(stderr).toContain('Type sample to go on: ')
    expect(await all()).toEqual({
      'functions/bridge/core.ts': 'export const core = 1\n',
      'functions/entities/index.ts': 'export const entities = []\n',
      'functions/tables/index.ts': 'export const tables = []\n',
      'infra/README.md': 'a\n',
      'infra/extensions.ts': 'export const extensions = []\n',
      'package.json': '{\n  "name": "x",\n  "scripts": {\n    "start": "s"\n  }\n}\n',
      'README.md': expect.stringMatching(/^# It\n## What to do next\n/),
      'sql/0002_mine.up.sql': 'SELECT 2;\n',
    })
  })

  it('has nothing to do a second time, and says so', async () => {
    await run({ yes: true })
    const after = await all()

    expect(await run()).toEqual({ code: 0, stdout: 'the sample is gone: nothing to do\n', stderr: '' })
    expect(await all()).toEqual(after)
  })

  it('does the rest of what was begun and broken off', async () => {
    await run({ yes: true })
    const whole = await all()
    for (const path of ['infra/sample/deep/walk.ts', 'sql/0001_legacy_chefs.down.sql'] as const)
      await put(path, FILES[path])

    expect((await run({ yes: true })).code).toBe(0)
    expect(await all()).toEqual(whole)
  })

  it.each([
    ['with --dry-run', { dryRun: true }, 0],
    ['when it is not confirmed', { typed: 'no' }, 4],
    ['without a terminal to ask on', {}, 4],
    ['when it is interrupted', { yes: true, interrupted: true }, 130],
  ])('changes nothing %s', async (_, manner, code) => {
    expect((await run(manner)).code).toBe(code)
    expect(await all()).toEqual(FILES)
  })

  it('tells its steps as JSON', async () => {
    const { stdout } = await run({ dryRun: true, json: true })
    expect(JSON.parse(stdout)).toMatchObject({
      dryRun: true,
      problems: [],
      steps: expect.arrayContaining([{ kind: 'delete', path: 'infra/sample' }]),
    })
  })

  it.each([
    ['functions/bridge/core.ts', "import '../sample/entities.ts'\n", /core\.ts imports the sample/],
    ['functions/entities/dish.ts', "export * from '../sample/entities.ts'\n", /dish\.ts imports the sample/],
    [
      'functions/entities/index.ts',
      "import { sampled } from '../sample/entities.ts'\nexport const entities = withLog(sampled)\n",
      /functions\/entities\/index\.ts uses sampled of the sample/,
    ],
    ['infra/README.md', '<!-- sample:end -->\n', /infra\/README\.md has a mark/],
  ])('changes nothing while the sample is in use, in %s', async (path, text, reason) => {
    await put(path, text)
    const { code, stderr } = await run({ yes: true })

    expect([code, stderr]).toEqual([4, expect.stringMatching(reason)])
    expect(await all()).toEqual({ ...FILES, [path]: text })
  })

  describe('in a git repository', () => {
    beforeEach(() => commitAll(folder.path, 'all'))

    it.each([
      ['functions/entities/index.ts', `${FILES['functions/entities/index.ts']}// mine\n`],
      ['functions/sample/new.ts', 'export const mine = 1\n'],
      ['sql/0001_legacy_chefs.up.sql', 'SELECT 7;\n'],
    ])('keeps work in %s that is not committed, unless told otherwise', async (path, text) => {
      await put(path, text)
      const { code, stderr } = await run({ typed: 'sample' })

      expect(code).toBe(4)
      expect(stderr).toContain(`not committed, and would be lost: ${path}; `)
      expect(stderr).toContain('npx backsync init --yes')
      expect(await all()).toEqual({ ...FILES, [path]: text })

      expect((await run({ yes: true })).code).toBe(0)
      expect(existsSync(join(folder.path, 'functions/sample'))).toBe(false)
    })

    it('is not held up by other work', async () => {
      await put('functions/bridge/core.ts', 'export const core = 2\n')
      await put('functions/entities/dish.ts', '')

      expect((await run({ typed: 'sample' })).code).toBe(0)
    })
  })

  it('does what was shown, or nothing: a file that has changed since stops it before anything is done', async () => {
    const plan = await planInit(folder.path)
    await put('README.md', '# Other\n')
    const before = await all()

    await expect(carryOut(folder.path, plan)).rejects.toMatchObject({ code: 'init.changed' })
    expect(await all()).toEqual(before)
  })
})
