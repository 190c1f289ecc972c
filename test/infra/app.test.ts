import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { KEPT_BUNDLES } from '../../infra/constructs/bundle/kept.ts'
import { repository } from '../../infra/constructs/bundled-code.ts'
import { keptBundles } from '../../infra/local/synth/synth.ts'
import { copyCheckout } from '../support/checkout.ts'
import { isProving } from '../support/runs.ts'

const folder = mkdtempSync(join(tmpdir(), 'backsync-app-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What a process needs to find Node, and to load the CDK in half of the time. */
const { PATH, NODE_COMPILE_CACHE } = process.env

/** Runs `node infra/app.ts` as `npm start` and the CDK command do. */
function runApp(name: string, context: Record<string, unknown>, cwd = repository) {
  const outdir = join(folder, name)
  const run = spawnSync(process.execPath, [join(repository, 'infra', 'app.ts')], {
    cwd,
    encoding: 'utf8',
    timeout: 150_000,
    env: {
      ...{ PATH, NODE_COMPILE_CACHE },
      CDK_OUTDIR: outdir,
      CDK_CONTEXT_JSON: JSON.stringify(context),
      CDK_VALIDATION: 'false',
      // As npm start does; the CDK command bundles anew, and the two are compared.
      [KEPT_BUNDLES]: keptBundles(repository),
    },
  })
  return { ...run, outdir }
}

/** The template in an assembly, without the construct paths that the CDK command adds to it. */
const templateIn = (outdir: string): unknown =>
  JSON.parse(readFileSync(join(outdir, 'Backsync.template.json'), 'utf8'), (key, value: unknown) =>
    key === 'Metadata' ? undefined : value,
  )

/** Runs `cdk synth` with its validation of the template, and without a word to the network. */
function runCdk(name: string, context: Record<string, string>) {
  const outdir = join(folder, name)
  const options = Object.entries(context).flatMap(([key, value]) => ['--context', `${key}=${value}`])
  const cdk = join(repository, 'node_modules', 'aws-cdk', 'bin', 'cdk')
  const run = spawnSync(
    process.execPath,
    [cdk, 'synth', '--quiet', '--no-notices', '--output', outdir, ...options],
    {
      cwd: repository,
      encoding: 'utf8',
      timeout: 150_000,
      env: {
        // As npm and npx do; the `node` package's binary comes first.
        PATH: `${join(repository, 'node_modules', '.bin')}:${PATH}`,
        NODE_COMPILE_CACHE,
        HOME: folder,
        CDK_DISABLE_CLI_TELEMETRY: 'true',
        CDK_DISABLE_VERSION_CHECK: 'true',
      },
    },
  )
  return { ...run, outdir }
}

const dev: [string, Record<string, string>] = ['dev', {}]
const prod: [string, Record<string, string>] = ['prod', { stage: 'prod', auth: 'iam' }]

// Each takes a synthesis by the command and one without; how they are made does not depend on the stage.
describe.each(isProving ? [dev, prod] : [dev])('cdk synth of %s', (name, context) => {
  it('passes its validation and writes the template that npm start runs', () => {
    const cdk = runCdk(`cdk-${name}`, context)
    expect(cdk.stderr).not.toMatch(/error|warn/i)
    expect(cdk.status).toBe(0)
    // From another folder, for nothing may depend on where it is called.
    const direct = runApp(`direct-${name}`, context, folder)
    expect(direct.stderr).not.toMatch(/error|warn/i)
    expect(direct.status).toBe(0)
    const templates = readdirSync(direct.outdir).filter((file) => file.endsWith('.template.json'))
    expect(templates).toEqual(['Backsync.template.json'])
    expect(templateIn(cdk.outdir)).toEqual(templateIn(direct.outdir))
  })
})

describe('node infra/app.ts', () => {
  it("takes a team's settings from cdk.context.json, as the CDK command does", async () => {
    const checkout = await copyCheckout()
    const run = () =>
      spawnSync(process.execPath, [join(checkout.path, 'infra', 'app.ts')], {
        encoding: 'utf8',
        timeout: 60_000,
        env: {
          ...{ PATH, NODE_COMPILE_CACHE },
          CDK_OUTDIR: join(checkout.path, 'cdk.out'),
          CDK_VALIDATION: 'false',
        },
      })
    try {
      const settings = join(checkout.path, 'cdk.context.json')
      writeFileSync(settings, '{ "stage": "prod", "availability-zones:account=1:region=x": ["x1"] }')
      expect(run()).toMatchObject({ status: 1, stderr: expect.stringContaining('stage prod refuses') })
      writeFileSync(settings, '{ "stage": "prod", "auth": "basic" }')
      expect(run().stderr).toContain('auth: expected one of none, iam, jwt, got "basic"')
    } finally {
      await checkout.remove()
    }
  }, 120_000)

  it('refuses an open API in prod in one line, without a stack trace, and writes no template', () => {
    const run = runApp('prod', { stage: 'prod' })
    expect(run.status).toBe(1)
    expect(run.stderr).toBe(
      'Invalid context:\n  - auth: stage prod refuses an API without an authorizer; choose auth=iam or auth=jwt\n',
    )
    expect(run.stdout).toBe('')
  })
})
