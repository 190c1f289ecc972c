import { execFileSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { Code } from 'aws-cdk-lib/aws-lambda'
import { AssetHashType, DockerImage } from 'aws-cdk-lib/core'
import { KEPT_BUNDLES, KeptBundles } from './bundle/kept.ts'
import type { LeftOutModule } from './bundle/left-out.ts'
import type { BundleAnswer, BundleRequest } from './bundle/main.ts'
import { setSourceMapAside } from './bundle/source-map.ts'

/** The folder that holds package.json, cdk.json, functions/ and sql/. */
export const repository = join(import.meta.dirname, '..', '..')

const substitute = (name: string): string => join(import.meta.dirname, 'bundle', name)

/** Packages that a function needs less of than they bring, and what stands for them: each says why. */
const alias = {
  '@aws-sdk/credential-provider-node': substitute('credentials.ts'),
  '@aws-sdk/middleware-endpoint-discovery': substitute('endpoint-discovery.ts'),
  '@smithy/core/event-streams': substitute('event-streams.ts'),
}

/** Modules that come with the packages although no function uses them, a seventh of a bundle. */
const unused: readonly LeftOutModule[] = [
  // `db.schema`: tables are made by migrations, which are plain SQL.
  { path: 'kysely/dist/schema/schema-module.js' },
  // `db.withSchema()`: there is one database. Brings a copy of every kind of node of a query.
  { path: 'kysely/dist/plugin/with-schema/with-schema-plugin.js' },
  // `db.mergeInto()`: MySQL has no MERGE.
  { path: 'kysely/dist/query-builder/merge-query-builder.js' },
  // `db.introspection`: nothing asks which tables there are.
  { path: 'kysely/dist/dialect/mysql/mysql-introspector.js' },
  // `toJSONSchema()`: every schema has it, ready to be called.
  { path: 'zod/v4/core/json-schema-processors.js' },
  {
    path: 'zod/v4/core/to-json-schema.js',
    called: ['createToJSONSchemaMethod', 'createStandardJSONSchemaMethod'],
  },
  // For a Node without `node:crypto`, and for a browser's streams.
  { path: '@smithy/core/dist-es/submodules/checksum/sha256/Sha256Js.js' },
  { path: '@smithy/core/dist-es/submodules/serde/util-stream/sdk-stream-mixin.browser.js' },
  // Of these only the version is read, for the user agent.
  { path: '@aws-sdk/client-dynamodb/package.json' },
  { path: '@aws-sdk/client-rds-data/package.json' },
  { path: '@aws-sdk/client-s3/package.json' },
  { path: '@aws-sdk/client-sts/package.json' },
]

/** An ESM bundle has none by itself. */
const REQUIRE =
  "import { createRequire as backsyncRequire } from 'node:module'; const require = backsyncRequire(import.meta.url);"

/** A bundle is made in less than a second; more than this is a machine that stands still. */
const BUNDLE_TIMEOUT_MS = 120_000

/** A bundle that can't be made; the message has each of esbuild's messages with its place. */
export class BundleError extends Error {
  override readonly name = 'BundleError'
  readonly code = 'bundle.failed'
}

export interface BundledCodeOptions {
  /** The module that exports `handler`: a path below the repository. */
  readonly entry: string
  /** Folders that travel beside the code: their paths below the repository, by their names there. @default none */
  readonly folders?: Readonly<Record<string, string>>
  /** Modules that stand for others, both by their paths below the repository. @default none */
  readonly replace?: Readonly<Record<string, string>>
  /** Whether what it is made of may `require` modules of Node's while it runs, as packages of older times do. @default false */
  readonly mayRequire?: boolean
}

/**
 * The package of a function: `index.mjs`, one minified ESM bundle for Node 24, and the folders asked for.
 * Its hash is that of the result, so a function changes when its code or such a folder does, and not otherwise.
 * One value may serve several functions.
 *
 * The SDK is bundled: what was tested is what runs, whatever version the runtime brings. The source map is not in the
 * package but beside it, for the local runtime. Runs esbuild's library in a process of its own, where NodejsFunction goes
 * through a shell and npx, which takes many times as long and doubles the time of a cold `npm start`.
 *
 * @throws BundleError, with each message of esbuild and its place, when the bundle cannot be built
 */
export function bundledCode({
  entry,
  folders = {},
  replace = {},
  mayRequire = false,
}: BundledCodeOptions): Code {
  const tryBundle = (outputFolder: string): boolean => {
    const options: BundleRequest['options'] = {
      absWorkingDir: repository,
      entryPoints: [entry],
      outfile: join(outputFolder, 'index.mjs'),
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      // ESM builds of the packages: smaller, and free of `require`, which an ESM bundle doesn't have.
      mainFields: ['module', 'main'],
      minify: true,
      sourcemap: 'external',
      // The sources themselves are in the repository.
      sourcesContent: false,
      alias,
      ...(mayRequire && { banner: { js: REQUIRE } }),
      // Errors are thrown with all that there is to say.
      logLevel: 'silent',
    }
    makeBundle(options, replace)
    setSourceMapAside(outputFolder)
    for (const [name, folder] of Object.entries(folders)) {
      cpSync(join(repository, folder), join(outputFolder, name), { recursive: true, dereference: true })
    }
    return true
  }
  return Code.fromAsset(join(repository, entry, '..'), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      local: { tryBundle },
      // Never run, because the local way always succeeds or throws; they tell one bundle from another in CDK's cache.
      image: DockerImage.fromRegistry('unused'),
      command: [entry, JSON.stringify([folders, replace, ...(mayRequire ? [REQUIRE] : [])])],
    },
  })
}

const makeBundle = (options: BundleRequest['options'], replace: BundleRequest['replace']): void => {
  const request: BundleRequest = { repository, options, leaveOut: unused, replace }
  const folder = process.env[KEPT_BUNDLES]
  const kept = folder ? new KeptBundles(folder) : undefined
  if (kept?.take(request) === true) return
  const output = execFileSync(process.execPath, [join(import.meta.dirname, 'bundle', 'main.ts')], {
    input: JSON.stringify(request),
    encoding: 'utf8',
    timeout: BUNDLE_TIMEOUT_MS,
    // The parent's options (a test runner's, for one) are none of its.
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  // The program that we have just run prints this type, or nothing when it has crashed: then execFileSync has thrown.
  const answer: BundleAnswer = JSON.parse(output)
  for (const text of answer.warnings) console.warn(text)
  if (answer.error !== undefined) throw new BundleError(answer.error)
  // One that is kept warns nobody.
  if (answer.warnings.length === 0) kept?.keep(request, answer.inputs)
}
