import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { Stack } from 'aws-cdk-lib/core'
import { bundledCode, repository } from '../../../infra/constructs/bundled-code.ts'
import { appWith } from '../fixtures/synthesise.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'backsync-bundle-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Writes a module into the folder of this test; its path is as an entry wants it. */
function entryOf(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return relative(repository, join(folder, name))
}

/** Bundles really, all in one app, and says where each package is; equal packages are one. */
function bundle(...options: Parameters<typeof bundledCode>[0][]): string[] {
  const app = appWith({ 'aws:cdk:bundling-stacks': ['**'] })
  const stack = new Stack(app, 'Test')
  for (const [index, one] of options.entries()) {
    new LambdaFunction(stack, `Function${index}`, {
      code: bundledCode(one),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
    })
  }
  const { directory } = app.synth()
  return readdirSync(directory)
    .filter((name) => name.startsWith('asset.'))
    .map((name) => join(directory, name))
}

/** The package of one bundle. */
function bundleOne(options: Parameters<typeof bundledCode>[0]): string {
  const [only, ...others] = bundle(options)
  if (only === undefined || others.length > 0) throw new Error('expected one package')
  return only
}

describe('bundledCode', () => {
  it('makes one ESM file that stands alone, types stripped and comments gone', () => {
    writeFileSync(
      join(folder, 'helper.ts'),
      'export const twice = (n: number): number => n * 2 // a comment\n',
    )
    const entry = entryOf(
      'handler.ts',
      "import { twice } from './helper.ts'\nexport const handler = async (): Promise<number> => twice(21)\n",
    )
    const asset = bundleOne({ entry })
    expect(readdirSync(asset)).toEqual(['index.mjs'])
    expect(readFileSync(join(asset, 'index.mjs'), 'utf8')).not.toMatch(/comment|sourceMappingURL/)
    const answer = execFileSync(
      process.execPath,
      [
        '--eval',
        `import(${JSON.stringify(join(asset, 'index.mjs'))}).then(async (m) => console.log(await m.handler()))`,
      ],
      { encoding: 'utf8', timeout: 20_000 },
    )
    expect(answer).toBe('42\n')
  })

  it('changes its hash with a folder that travels along, and only then', () => {
    const entry = entryOf('still.ts', 'export const handler = async () => 1\n')
    const sql = mkdtempSync(join(folder, 'sql-'))
    const options = { entry, folders: { sql: relative(repository, sql) } }
    writeFileSync(join(sql, '0001.up.sql'), 'SELECT 1;\n')
    const first = bundleOne(options)
    expect(readFileSync(join(first, 'sql', '0001.up.sql'), 'utf8')).toBe('SELECT 1;\n')
    expect(basename(bundleOne(options))).toBe(basename(first))
    writeFileSync(join(sql, '0001.up.sql'), 'SELECT 2;\n')
    expect(basename(bundleOne(options))).not.toBe(basename(first))
  })

  it('has another module in the place of one, however it is imported', () => {
    entryOf('list.ts', "export const list = ['own']\n")
    const elsewhere = mkdtempSync(join(folder, 'other-'))
    writeFileSync(join(elsewhere, 'more.ts'), "export const more = 'theirs'\n")
    writeFileSync(
      join(elsewhere, 'list.ts'),
      "import { more } from './more.ts'\nexport const list: string[] = [more]\n",
    )
    const entry = entryOf(
      'lists.ts',
      "import { list } from './list.ts'\nexport const handler = async () => list\n",
    )
    const replace = {
      [relative(repository, join(folder, 'list.ts'))]: relative(repository, join(elsewhere, 'list.ts')),
    }
    const textOf = (asset: string): string => readFileSync(join(asset, 'index.mjs'), 'utf8')
    expect(textOf(bundleOne({ entry }))).toMatch(/own/)
    expect(textOf(bundleOne({ entry, replace }))).toMatch(/theirs/)
    expect(textOf(bundleOne({ entry, replace }))).not.toMatch(/own/)
  })

  it('keeps the bundles of one folder apart', () => {
    const one = { entry: entryOf('one.ts', 'export const handler = async () => 1\n') }
    const two = { entry: entryOf('two.ts', 'export const handler = async () => 2\n') }
    expect(bundle(one, two)).toHaveLength(2)
    expect(bundle(one, one)).toHaveLength(1)
  })

  it('fails with the name and the place of a module that is missing', () => {
    const entry = entryOf('broken.ts', "export { handler } from './nowhere.ts'\n")
    expect(() => bundleOne({ entry })).toThrow(/broken\.ts:1:24: ERROR: Could not resolve "\.\/nowhere\.ts"/)
  })

  it('carries no part of Kysely and zod that is left out, and does the rest', () => {
    const package_ = (path: string): string => JSON.stringify(join(repository, 'node_modules', path))
    const entry = entryOf(
      'parts.ts',
      `import { DummyDriver, Kysely, MysqlAdapter, MysqlQueryCompiler } from ${package_('kysely/dist/index.js')}
      import * as z from ${package_('zod/index.js')}
      const dialect = { createAdapter: () => new MysqlAdapter(), createDriver: () => new DummyDriver(),
        createQueryCompiler: () => new MysqlQueryCompiler() }
      const db = new Kysely({ dialect })
      const schema = z.object({ name: z.string() })
      const failure = (work) => { try { return work() } catch (error) { return error.message } }
      export const handler = async () => [
        db.selectFrom('chef').selectAll().where('id', 'in', [1]).compile().sql,
        schema.parse({ name: 'a' }),
        failure(() => db.schema),
        failure(() => db.withSchema('x')),
        failure(() => schema.toJSONSchema()),
        failure(() => z.toJSONSchema(schema)),
      ]`,
    )
    const file = join(bundleOne({ entry }), 'index.mjs')
    const script = `import(${JSON.stringify(file)}).then(async (m) => console.log(JSON.stringify(await m.handler())))`
    const output = execFileSync(process.execPath, ['--eval', script], { encoding: 'utf8', timeout: 20_000 })

    const leftOut = expect.stringContaining('is left out of the bundles of the functions')
    expect(JSON.parse(output)).toEqual([
      'select * from `chef` where `id` in (?)',
      { name: 'a' },
      leftOut,
      leftOut,
      leftOut,
      leftOut,
    ])
  })
})
