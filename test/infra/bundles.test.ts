import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from '@jest/globals'
import * as z from 'zod'
import { repository } from '../../infra/constructs/bundled-code.ts'
import { entities } from '../fixtures/entities/index.ts'
import { projections, tables } from '../fixtures/tables/index.ts'
import { sharedAssembly } from '../support/assemblies.ts'

const kilobyte = 1000

/** One of each bundle; the way back runs that of the legacy API. */
const functions = [
  'LegacyApi',
  'ModernApi',
  'MigrationsMigrate',
  'TableSyncFunction',
  'CopyTableFunction',
  'BackfillFunction',
  'SweepFunction',
  'FillTablesFunction',
  'WatchFunction',
  'GuardFunction',
  'FacadeFunction',
]

/** What the functions really deploy: bundled once, from the repository's own modules. */
describe('the bundles', () => {
  const assets = new Map<string, string>()

  beforeAll(async () => {
    const folder = await sharedAssembly()
    const { Resources } = z
      .object({ Resources: z.record(z.string(), z.object({ Type: z.string(), Properties: z.unknown() })) })
      .parse(JSON.parse(readFileSync(join(folder, 'Backsync.template.json'), 'utf8')))
    for (const [id, { Type, Properties }] of Object.entries(Resources)) {
      if (Type !== 'AWS::Lambda::Function') continue
      const { Code } = z.object({ Code: z.object({ S3Key: z.string() }) }).parse(Properties)
      assets.set(id.slice(0, -8), join(folder, `asset.${Code.S3Key.replace(/\.zip$/, '')}`))
    }
  }, 200_000)

  const assetOf = (id: string): string => {
    const asset = assets.get(id)
    if (asset === undefined) throw new Error(`no function ${id} among ${[...assets.keys()].join(', ')}`)
    return asset
  }

  it.each([
    ['LegacyApi', 655],
    ['BackSyncFunction', 655],
    ['ModernApi', 360],
    ['MigrationsMigrate', 480],
    ['TableSyncFunction', 330],
    ['CopyTableFunction', 350],
    ['BackfillFunction', 760],
    ['SweepFunction', 760],
    ['FillTablesFunction', 365],
    ['WatchFunction', 690],
    ['GuardFunction', 400],
    ['FacadeFunction', 720],
  ])('%s is one file of at most %i kB, without a source map', (id, budget) => {
    const file = join(assetOf(id), 'index.mjs')
    expect(statSync(file).size / kilobyte).toBeLessThan(budget)
    expect(readFileSync(file, 'utf8')).not.toContain('sourceMappingURL')
    expect(readdirSync(assetOf(id)).filter((name) => name !== 'sql')).toEqual(['index.mjs'])
  })

  it('carries no locales of zod and no X-Ray SDK', () => {
    for (const id of functions) {
      const text = readFileSync(join(assetOf(id), 'index.mjs'), 'utf8')
      expect(text).not.toMatch(/Ongeldige invoer|aws-xray-sdk/)
    }
  })

  it('carries no client of Lambda, as no entity has a legacyFunction and the relay stays', () => {
    for (const id of functions)
      expect(readFileSync(join(assetOf(id), 'index.mjs'), 'utf8')).not.toContain('/2015-03-31/functions/')
  })

  it('carries no way to credentials that Lambda has not', () => {
    for (const id of functions) {
      const text = readFileSync(join(assetOf(id), 'index.mjs'), 'utf8')
      const found = (words: readonly string[]): string[] => words.filter((word) => text.includes(word))
      expect(found(['AWS_ACCESS_KEY_ID', 'AWS_CONTAINER_CREDENTIALS_FULL_URI'])).toHaveLength(2)
      // The STS client, with which a copy takes another account's role, brings all of STS's operations.
      const all = id === 'CopyTableFunction' ? [] : ['AssumeRoleWithWebIdentity']
      expect(found([...all, 'AWS_WEB_IDENTITY_TOKEN_FILE', 'credential_process', 'sso_start_url'])).toEqual(
        [],
      )
    }
  })

  it('takes every migration along, beside the code that applies them', () => {
    const travelling = (folder: string) => readdirSync(join(assetOf('MigrationsMigrate'), folder)).sort()
    const own = readdirSync(join(repository, 'sql', 'bridge'))
    const ofTeam = readdirSync(join(repository, 'test', 'fixtures', 'sql'))

    expect(travelling(join('sql', 'bridge'))).toEqual(own.sort())
    expect(travelling('sql')).toEqual([...ofTeam, 'bridge'].sort())
    expect([own.length, ofTeam.length]).not.toContain(0)
  })

  it('leaves the map of each bundle beside the packages, with the sources that it was made of', () => {
    for (const id of functions) {
      const hash = createHash('sha256')
        .update(readFileSync(join(assetOf(id), 'index.mjs')))
        .digest('hex')
      const maps = join(assetOf(id), '..', 'source-maps')
      const map = z
        .object({ sources: z.array(z.string()), sourcesContent: z.never().optional() })
        .parse(JSON.parse(readFileSync(join(maps, `${hash}.map`), 'utf8')))
      const own = map.sources.map((source) => resolve(maps, source)).filter((source) => existsSync(source))
      expect(own).toHaveLength(map.sources.length)
      expect(own.filter((source) => source.startsWith(join(repository, 'functions')))).not.toHaveLength(0)
    }
  })

  /** Imports a bundle in a process of its own, as Lambda does. */
  const load = (id: string, names: readonly string[]) => {
    const script = `
      const { handler } = await import(${JSON.stringify(join(assetOf(id), 'index.mjs'))})
      console.log(process.version.split('.')[0], typeof handler)
      process.exit()`
    return spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
      timeout: 20_000,
      // What the template gives the functions, so that a module may read its configuration when it loads.
      env: {
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        AWS_REGION: 'us-east-1',
        STAGE: 'dev',
        LOG_LEVEL: 'info',
        CLUSTER_ARN: 'arn:aws:rds:us-east-1:000000000000:cluster:test',
        SECRET_ARN: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:test',
        DATABASE_NAME: 'backsync',
        TABLES: JSON.stringify(Object.fromEntries(names.map((name) => [name, `${name}-table`]))),
        MIGRATE_ON_REQUEST: 'true',
        PARKING_TABLE: 'parked',
        TOMBSTONES_TABLE: 'tombstones',
        JOBS_TABLE: 'jobs',
        ROUTES_TABLE: 'routes',
        IDEMPOTENCY_TABLE: 'requests',
        FAILURE_BUCKET: 'failures',
        LATE: JSON.stringify({ aurora: 60_000, dynamo: 60_000 }),
      },
    })
  }
  const allNames = [
    ...entities.map(({ item }) => item.table),
    ...[...tables, ...projections].map(({ name }) => name),
  ]

  it.each(functions)('%s loads under Node 24 and exports its handler', (id) => {
    expect(load(id, allNames)).toMatchObject({ stdout: 'v24 function\n', status: 0 })
  })

  it.each([
    ['ModernApi', entities.at(-1)?.item.table],
    ['BackSyncFunction', entities.at(-1)?.item.table],
    ['FacadeFunction', entities.at(-1)?.item.table],
    ['BackfillFunction', entities.at(-1)?.item.table],
    ['SweepFunction', entities.at(-1)?.item.table],
    ['FillTablesFunction', projections.at(-1)?.name],
    ['TableSyncFunction', projections.at(-1)?.name],
    ['TableSyncFunction', projections.at(-1)?.from.name],
  ])(
    '%s does not load where the table of %s is not named: a deployment shows it, not a write',
    (id, absent) => {
      const { stdout, stderr } = load(
        id,
        allNames.filter((name) => name !== absent),
      )
      expect(stdout).toBe('')
      expect(stderr).toContain(`Configuration: TABLES names no table for ${absent}`)
    },
  )
})
