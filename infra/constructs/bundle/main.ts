import { text } from 'node:stream/consumers'
import { type BuildOptions, build, formatMessages } from 'esbuild'
import { type LeftOutModule, leaveOut } from './left-out.ts'
import { replaceModules } from './replaced.ts'

/**
 * The program that makes one bundle: the CDK asks for assets synchronously, and esbuild has plugins only where it may
 * answer later. Reads a BundleRequest from its standard input and prints a BundleAnswer.
 */
export type BundleRequest = {
  readonly repository: string
  readonly options: BuildOptions
  readonly leaveOut: readonly LeftOutModule[]
  readonly replace: Readonly<Record<string, string>>
}

/** `error` is esbuild's text: each message with its place. `inputs` are files, by their paths below the repository. */
export type BundleAnswer = {
  readonly warnings: readonly string[]
  readonly inputs: readonly string[]
  readonly error?: string
}

const bundle = async (request: BundleRequest): Promise<BundleAnswer> => {
  try {
    const { warnings, metafile } = await build({
      ...request.options,
      metafile: true,
      plugins: [
        replaceModules(request.repository, request.replace),
        leaveOut(request.repository, request.leaveOut),
      ],
    })
    return {
      warnings: await formatMessages(warnings, { kind: 'warning' }),
      inputs: Object.keys(metafile.inputs),
    }
  } catch (error) {
    return { warnings: [], inputs: [], error: error instanceof Error ? error.message : String(error) }
  }
}

// The only caller is bundled-code.ts, which makes the request from this very type.
const request: BundleRequest = JSON.parse(await text(process.stdin))
process.stdout.write(JSON.stringify(await bundle(request)))
