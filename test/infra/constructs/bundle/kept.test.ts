import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative, resolve } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { Stack } from 'aws-cdk-lib/core'
import { KEPT_BUNDLES } from '../../../../infra/constructs/bundle/kept.ts'
import { SOURCE_MAPS } from '../../../../infra/constructs/bundle/source-map.ts'
import { bundledCode, repository } from '../../../../infra/constructs/bundled-code.ts'
import { appWith } from '../../fixtures/synthesise.ts'

const folder = mkdtempSync(join(tmpdir(), 'backsync-kept-'))
const kept = join(folder, 'kept')
const before = process.env[KEPT_BUNDLES]
beforeEach(() => {
  process.env[KEPT_BUNDLES] = kept
})
afterEach(() => {
  if (before === undefined) delete process.env[KEPT_BUNDLES]
  else process.env[KEPT_BUNDLES] = before
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return relative(repository, join(folder, name))
}

/** Bundles in an app of its own; where its package is, what is in it, and which sources its map names. */
const bundle = (options: Parameters<typeof bundledCode>[0]) => {
  const app = appWith({ 'aws:cdk:bundling-stacks': ['**'] })
  new LambdaFunction(new Stack(app, 'Test'), 'Function', {
    code: bundledCode(options),
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
  })
  const { directory } = app.synth()
  const [asset = ''] = readdirSync(directory).filter((name) => name.startsWith('asset.'))
  const [map = ''] = readdirSync(join(directory, SOURCE_MAPS))
  const { sources }: { sources: string[] } = JSON.parse(
    readFileSync(join(directory, SOURCE_MAPS, map), 'utf8'),
  )
  return {
    name: basename(asset),
    text: readFileSync(join(directory, asset, 'index.mjs'), 'utf8'),
    sources: sources.map((source) => resolve(directory, asset, source)),
  }
}

/** Marks the one kept bundle of an entry, so that it is seen whether it was taken. */
const mark = (text: string): void => {
  for (const name of readdirSync(kept)) {
    const file = join(kept, name, 'index.mjs')
    if (readFileSync(file, 'utf8').includes(text))
      writeFileSync(file, `// taken\n${readFileSync(file, 'utf8')}`)
  }
}

describe('kept bundles', () => {
  it('are taken while nothing has changed, in another app too, and are what a new one would be', () => {
    write('part.ts', "export const part = 'unchanged'\n")
    const entry = write('same.ts', "import { part } from './part.ts'\nexport const handler = () => part\n")
    const first = bundle({ entry })

    const second = bundle({ entry })
    expect(second).toEqual(first)
    expect(second.sources).toContain(join(folder, 'part.ts'))

    mark('unchanged')
    expect(bundle({ entry }).text).toContain('// taken')
  })

  it.each([
    ['another text in a module', () => write('inner.ts', "export const inner = 'later'\n")],
    ['a module that stands for it', () => write('stand-in.ts', "export const list = 'later'\n")],
  ])('are made anew with %s', (_, change) => {
    write('inner.ts', "export const inner = 'sooner'\n")
    const by = write('stand-in.ts', "export const list = 'sooner'\n")
    const list = write('list.ts', "export const list = 'never'\n")
    const entry = write(
      'changing.ts',
      "import { inner } from './inner.ts'\nimport { list } from './list.ts'\nexport const handler = () => [inner, list]\n",
    )
    const options = { entry, replace: { [list]: by } }
    expect(bundle(options).text).not.toContain('later')
    mark('sooner')

    change()

    const { text } = bundle(options)
    expect(text).toContain('later')
    expect(text).not.toContain('// taken')
  })

  it('are not taken when a module is gone, which then is said', () => {
    write('gone.ts', 'export const gone = 1\n')
    const entry = write('whole.ts', "export { gone as handler } from './gone.ts'\n")
    bundle({ entry })
    rmSync(join(folder, 'gone.ts'))
    expect(() => bundle({ entry })).toThrow(/Could not resolve "\.\/gone\.ts"/)
  })

  it('are nobody else’s: without the variable all is made anew, and nothing kept', () => {
    const entry = write('alone.ts', "export const handler = () => 'alone'\n")
    bundle({ entry })
    mark('alone')
    delete process.env[KEPT_BUNDLES]
    expect(bundle({ entry }).text).not.toContain('// taken')
  })
})
