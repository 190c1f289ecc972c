import { stat } from 'node:fs/promises'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isExecutable } from '../mysql/find.ts'
import { runCommand } from '../processes/command.ts'
import { ProcessError } from '../processes/errors.ts'

/** The version that the tests ran against; what the message tells people to install. */
const dynoxideVersion = '1.2.1'

/** A DynamoDB implementation that can be run here. */
export type Emulator =
  | { readonly kind: 'dynoxide'; readonly binary: string }
  | { readonly kind: 'dynamodb-local'; readonly java: string; readonly jar: string }

export type FindOptions = {
  /** `PATH` and `DYNAMODB_LOCAL_JAR` count. */
  readonly env: NodeJS.ProcessEnv
  readonly platform?: NodeJS.Platform
  readonly arch?: string
  /** Packages are looked up from this file's folder upwards. Default: this module. */
  readonly from?: string
}

/**
 * Looks for dynoxide (as a package for this platform, then on the PATH), then for DynamoDB Local.
 *
 * @returns undefined when neither is to be had
 */
export const findEmulator = async (options: FindOptions): Promise<Emulator | undefined> =>
  (await findDynoxide(options)) ?? (await findDynamoDbLocal(options))

const findDynoxide = async (options: FindOptions): Promise<Emulator | undefined> => {
  const platform = options.platform ?? process.platform
  const name = platform === 'win32' ? 'dynoxide.exe' : 'dynoxide'
  const packaged = await packageFolder(`@dynoxide/${platform}-${options.arch ?? process.arch}`, options.from)
  const path = (options.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  for (const folder of [...(packaged === undefined ? [] : [packaged]), ...path]) {
    const binary = join(folder, name)
    if (await isExecutable(binary)) return { kind: 'dynoxide', binary }
  }
  return undefined
}

const findDynamoDbLocal = async (options: FindOptions): Promise<Emulator | undefined> => {
  const jar = await findJar(options)
  if (jar === undefined) return undefined
  const java = await findJava(options.env)
  return java === undefined ? undefined : { kind: 'dynamodb-local', java, jar }
}

/** Packages that hold the jar, and where in them. */
const jarsInPackages: ReadonlyArray<readonly [string, string]> = [
  ['amplify-dynamodb-simulator', 'emulator/DynamoDBLocal.jar'],
  ['dynamodb-local', 'DynamoDBLocal.jar'],
]

const findJar = async (options: FindOptions): Promise<string | undefined> => {
  const named = options.env.DYNAMODB_LOCAL_JAR
  if (named !== undefined && named !== '' && (await isFile(named))) return resolve(named)
  for (const [name, path] of jarsInPackages) {
    const folder = await packageFolder(name, options.from)
    if (folder !== undefined && (await isFile(join(folder, path)))) return join(folder, path)
  }
  return undefined
}

/** macOS has a `java` that only says where to get one, hence the run. */
const findJava = async (env: NodeJS.ProcessEnv): Promise<string | undefined> => {
  const home = env.JAVA_HOME
  const java = home === undefined || home === '' ? 'java' : join(home, 'bin', 'java')
  try {
    return (await runCommand(java, ['-version'], { withinMs: 20_000, env })).code === 0 ? java : undefined
  } catch (error) {
    if (error instanceof ProcessError) return undefined
    throw error
  }
}

/** As Node looks a package up: in the node_modules of each folder from here to the root. */
const packageFolder = async (name: string, from = import.meta.url): Promise<string | undefined> => {
  for (let folder = dirname(fileURLToPath(from)); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (await isFile(join(candidate, 'package.json'))) return candidate
    if (folder === dirname(folder)) return undefined
  }
}

const isFile = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isFile()
  } catch {
    // Missing or forbidden: not to be used either way.
    return false
  }
}

/** Platforms that dynoxide publishes a binary for. */
const dynoxidePlatforms = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64']

/** The one command that gets a DynamoDB on a platform; the last resort works wherever Docker does. */
export const howToGetDynamoDb = (platform: NodeJS.Platform, arch: string): string => {
  if (dynoxidePlatforms.includes(`${platform}-${arch}`))
    return `npm install --no-save @dynoxide/${platform}-${arch}@${dynoxideVersion}`
  const setting = platform === 'win32' ? '& set' : '&& export'
  return `docker run --rm -d -p 127.0.0.1:8000:8000 amazon/dynamodb-local ${setting} DYNAMODB_ENDPOINT=http://127.0.0.1:8000`
}
