import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { build } from 'esbuild'
import { type LeftOutModule, leaveOut } from '../../../../infra/constructs/bundle/left-out.ts'

describe('leaveOut', () => {
  let folder: string
  beforeAll(() => {
    // A dot and brackets, which mean something in a regular expression.
    folder = mkdtempSync(join(tmpdir(), 'backsync.left(out)-'))
    const package_ = join(folder, 'node_modules', 'some')
    mkdirSync(join(package_, 'dist'), { recursive: true })
    writeFileSync(join(package_, 'package.json'), '{"name":"some","type":"module","main":"index.js"}')
    writeFileSync(
      join(package_, 'index.js'),
      `import { Heavy, make } from './dist/heavy.js'
      export const ready = make('x')
      export const light = () => 'light'
      export const heavy = () => new Heavy()`,
    )
    writeFileSync(
      join(package_, 'dist', 'heavy.js'),
      `export class Heavy { weight = 'a great deal' }
      export function make(name) { return () => name }`,
    )
    writeFileSync(join(folder, 'entry.js'), "export * from 'some'")
    writeFileSync(join(folder, 'other.js'), 'export const light = () => 1')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const bundle = (modules: readonly LeftOutModule[], entry = 'entry.js') =>
    build({
      absWorkingDir: folder,
      entryPoints: [entry],
      bundle: true,
      format: 'esm',
      metafile: true,
      write: false,
      logLevel: 'silent',
      plugins: [leaveOut(folder, modules)],
    })
  const load = async (modules: readonly LeftOutModule[]) => {
    const text = (await bundle(modules)).outputFiles[0]?.text ?? ''
    const loaded: Record<string, () => unknown> = await import(
      `data:text/javascript,${encodeURIComponent(text)}`
    )
    return { text, loaded }
  }

  it('takes a module out, and says so to whoever needs it', async () => {
    const { text, loaded } = await load([{ path: 'some/dist/heavy.js', called: ['make'] }])

    expect(text).not.toContain('a great deal')
    expect(loaded.light?.()).toBe('light')
    expect(() => loaded.heavy?.()).toThrow('some/dist/heavy.js is left out')
    expect(() => loaded.ready?.()).toThrow('some/dist/heavy.js is left out')
  })

  it('keeps the version of a package whose description is left out', async () => {
    writeFileSync(
      join(folder, 'node_modules', 'some', 'about.json'),
      '{"version":"1.2.3","scripts":{"build":"long"}}',
    )
    writeFileSync(
      join(folder, 'about.js'),
      "import about from 'some/about.json'\nexport const version = () => about.version",
    )

    const text = (await bundle([{ path: 'some/about.json' }], 'about.js')).outputFiles[0]?.text ?? ''

    expect(text).toContain('1.2.3')
    expect(text).not.toContain('long')
  })

  it('fails when the module is not there any more, for then it would come back unseen', async () => {
    await expect(bundle([{ path: 'some/dist/moved.js' }])).rejects.toThrow(
      'no such module to leave out: some/dist/moved.js',
    )
  })

  it('says nothing when the package is not there at all', async () => {
    expect((await bundle([{ path: 'some/dist/moved.js' }], 'other.js')).warnings).toEqual([])
  })
})
