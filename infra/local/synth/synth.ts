import { spawn } from 'node:child_process'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { codeOf } from '../../errors/thrown.ts'
import { hashInputs } from './inputs.ts'

/** A CDK app that does not synthesise; the message carries what it printed. */
export class SynthError extends Error {
  override readonly name = 'SynthError'
  readonly code = 'synth.failed'
}

export type SynthOptions = {
  /** The checkout, which the app is below. */
  readonly repository: string
  /** The module of the CDK app. @default 'infra/app.ts' */
  readonly app?: string | undefined
  /** The cloud assembly is put into `<home>/cdk.out`. */
  readonly home: string
  readonly context: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** What deploys. */
const OWN_APP = join('infra', 'app.ts')

/** Bundling on a cold disk takes seconds; minutes mean that something hangs. */
const TIMEOUT_MS = 180_000

/**
 * Synthesises the CDK app, unless nothing that goes into it has changed since the last time.
 *
 * @returns the folder of the cloud assembly, and whether it was made anew
 * @throws SynthError
 */
export const synthesise = async (options: SynthOptions): Promise<{ folder: string; fresh: boolean }> => {
  const folder = join(options.home, 'cdk.out')
  const stampFile = join(folder, '.inputs')
  const stamp = await hashInputs(options.repository, options.app ?? OWN_APP, options.context)
  if ((await readOptional(stampFile)) === stamp) return { folder, fresh: false }
  // Made aside and moved as a whole: an interrupted synthesis leaves the last good one.
  const draft = join(options.home, 'cdk.out.new')
  await rm(draft, { recursive: true, force: true })
  await runApp(options, draft)
  await writeFile(join(draft, '.inputs'), stamp)
  await rm(folder, { recursive: true, force: true })
  await rename(draft, folder)
  return { folder, fresh: true }
}

/** Where the bundles of a checkout are kept on this machine; may be deleted at any time. */
export const keptBundles = (repository: string): string =>
  join(repository, 'node_modules', '.cache', 'backsync', 'bundles')

const runApp = (
  { repository, app = OWN_APP, context, signal }: SynthOptions,
  outdir: string,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const path = [dirname(process.execPath), join(repository, 'node_modules', '.bin'), process.env.PATH ?? '']
    const child = spawn(process.execPath, [app], {
      cwd: repository,
      env: {
        ...process.env,
        PATH: path.join(delimiter),
        // A test runner's flags are none of the app's.
        NODE_OPTIONS: '',
        CDK_OUTDIR: outdir,
        CDK_CONTEXT_JSON: JSON.stringify(context),
        // The template's own validation takes 1.4 s, and `npm test` and the CDK command do it.
        CDK_VALIDATION: 'false',
        // The app's own variable: what has not changed is not bundled again.
        BACKSYNC_KEPT_BUNDLES: keptBundles(repository),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-20_000)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    const stop = (): void => {
      child.kill('SIGKILL')
    }
    const timer = setTimeout(stop, TIMEOUT_MS)
    signal?.addEventListener('abort', stop, { once: true })
    // It may have come while the inputs were read.
    if (signal?.aborted === true) stop()
    const done = (error?: SynthError): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
      if (error) reject(error)
      else resolve()
    }
    child.once('error', (cause) => done(new SynthError(`cannot run ${app}`, { cause })))
    child.once('close', (code, killedBy) => {
      if (code === 0) return done()
      const how = killedBy ? `was ended by ${killedBy}` : `exited with ${code}`
      done(new SynthError(`${app} ${how}:\n${output.trim()}`))
    })
  })

const readOptional = async (file: string): Promise<string | undefined> => {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
