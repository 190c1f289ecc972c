import { cpSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Code } from 'aws-cdk-lib/aws-lambda'
import { AssetHashType, DockerImage } from 'aws-cdk-lib/core'
import { buildSync, formatMessagesSync } from 'esbuild'

/** The folder that holds package.json, cdk.json, functions/ and sql/. */
export const repository = join(import.meta.dirname, '..', '..')

export interface BundledCodeOptions {
  /** The module that exports `handler`: a path below the repository. */
  readonly entry: string
  /** Folders below the repository that travel beside the code, under their own name. @default none */
  readonly folders?: readonly string[]
}

/**
 * The package of a function: `index.mjs`, one minified ESM bundle for Node 24, and the folders asked for.
 * Its hash is that of the result, so a function changes when its code or such a folder does, and not otherwise.
 * One value may serve several functions.
 *
 * The SDK is bundled: what was tested is what runs, whatever version the runtime brings. Source maps are not: they
 * would triple the package. Calls esbuild directly, where NodejsFunction goes through a shell and npx, which takes
 * ten times as long and doubles the time of a cold `npm start`.
 *
 * @throws esbuild's error, with each message and its place, when the bundle cannot be built
 */
export function bundledCode({ entry, folders = [] }: BundledCodeOptions): Code {
  const tryBundle = (outputFolder: string): boolean => {
    const { warnings } = buildSync({
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
      // Errors are thrown with all that there is to say.
      logLevel: 'silent',
    })
    for (const text of formatMessagesSync(warnings, { kind: 'warning' })) console.warn(text)
    for (const folder of folders) {
      cpSync(join(repository, folder), join(outputFolder, basename(folder)), { recursive: true })
    }
    return true
  }
  return Code.fromAsset(join(repository, entry, '..'), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      local: { tryBundle },
      // Never run, because the local way always succeeds or throws; they tell one bundle from another in CDK's cache.
      image: DockerImage.fromRegistry('unused'),
      command: [entry, ...folders],
    },
  })
}
