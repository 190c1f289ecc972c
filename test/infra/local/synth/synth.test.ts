import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { synthesise } from '../../../../infra/local/synth/synth.ts'

/** An app that writes what it was told; it stands for the real one, whose synthesis the stack's own test runs. */
const APP = `import { mkdirSync, writeFileSync } from 'node:fs'
mkdirSync(process.env.CDK_OUTDIR, { recursive: true })
writeFileSync(process.env.CDK_OUTDIR + '/out.json', process.env.CDK_CONTEXT_JSON)
`

describe('synthesise', () => {
  let repository: string
  let home: string
  beforeEach(async () => {
    repository = await mkdtemp(join(tmpdir(), 'backsync-synth-'))
    home = join(repository, '.home')
    await mkdir(home)
    await mkdir(join(repository, 'infra', 'local'), { recursive: true })
    await mkdir(join(repository, 'sql'))
    await writeFile(join(repository, 'infra', 'app.ts'), APP)
    await writeFile(join(repository, 'sql', '0001.up.sql'), 'SELECT 1')
    await writeFile(join(repository, 'package.json'), '{"type":"module"}')
  })
  afterEach(() => rm(repository, { recursive: true, force: true }))
  const run = (context: Record<string, string> = {}) => synthesise({ repository, home, context })

  it('runs the app with the context, once for the same inputs', async () => {
    const first = await run({ stage: 'dev' })
    const second = await run({ stage: 'dev' })

    expect([first.fresh, second.fresh]).toEqual([true, false])
    expect(await readFile(join(first.folder, 'out.json'), 'utf8')).toBe('{"stage":"dev"}')
  })

  it.each<[string, boolean, () => Promise<void>]>([
    ['SQL', true, () => writeFile(join(repository, 'sql', '0001.up.sql'), 'SELECT 2')],
    ['settings', true, () => writeFile(join(repository, 'cdk.context.json'), '{}')],
    ['a new file', true, () => writeFile(join(repository, 'infra', 'more.ts'), '')],
    ['the local runtime', false, () => writeFile(join(repository, 'infra', 'local', 'x.ts'), '')],
  ])('after a change of %s: again %s', async (_, fresh, change) => {
    await run()
    await change()
    expect((await run()).fresh).toBe(fresh)
  })

  it('runs again for another context', async () => {
    await run({ stage: 'dev' })
    expect((await run({ stage: 'prod' })).fresh).toBe(true)
  })

  it('runs another app, with what is beside it, when told to', async () => {
    await mkdir(join(repository, 'other'))
    const app = join('other', 'app.ts')
    await writeFile(join(repository, app), APP.replace('/out.json', '/other.json'))
    const other = () => synthesise({ repository, app, home, context: {} })

    expect(await readdir((await other()).folder)).toContain('other.json')
    expect((await other()).fresh).toBe(false)
    await writeFile(join(repository, 'other', 'list.ts'), '')
    expect((await other()).fresh).toBe(true)
    expect((await run()).fresh).toBe(true)
  })

  it('reports what a failing app printed, and keeps the last good synthesis', async () => {
    await run()
    await writeFile(
      join(repository, 'infra', 'app.ts'),
      `console.error('auth: refused'); process.exitCode = 1`,
    )

    await expect(run()).rejects.toMatchObject({
      code: 'synth.failed',
      message: expect.stringContaining('auth: refused'),
    })
    expect(await readdir(join(home, 'cdk.out'))).toContain('out.json')
    await writeFile(join(repository, 'infra', 'app.ts'), APP)
    expect((await run()).fresh).toBe(false)
  })

  it('ends the app when it is aborted', async () => {
    await writeFile(join(repository, 'infra', 'app.ts'), 'setInterval(() => {}, 1000)')
    const stop = new AbortController()
    const running = synthesise({ repository, home, context: {}, signal: stop.signal })
    setTimeout(() => stop.abort(), 100)
    await expect(running).rejects.toMatchObject({ code: 'synth.failed' })
  })
})
