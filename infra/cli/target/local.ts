import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import * as z from 'zod'
import { codeOf } from '../../errors/thrown.ts'
import { LOCAL_CREDENTIALS } from '../../local/lambda/variables.ts'
import { lockOwner } from '../../local/processes/lock.ts'
import { REGION } from '../../local/template/pseudo.ts'
import { CliError } from '../conventions/errors.ts'
import type { Target } from './target.ts'

/** What a running stack says of itself in `stack.json`. */
const facts = z.object({
  endpoints: z.object({
    dynamodb: z.string(),
    rdsData: z.string(),
    secretsManager: z.string(),
    // Of a stack that an older version runs there is none.
    sts: z.string().optional(),
    s3: z.string().optional(),
    lambda: z.string().optional(),
    cloudWatch: z.string().optional(),
    mysql: z.string().optional(),
  }),
  outputs: z.record(z.string(), z.unknown()),
})

/** Settings of the shell that would lead the SDK elsewhere than to the local servers. */
const MISLEADING = [
  'AWS_PROFILE',
  'AWS_SESSION_TOKEN',
  'AWS_CREDENTIAL_EXPIRATION',
  'AWS_ENDPOINT_URL_STS',
  'AWS_ENDPOINT_URL_S3',
  'AWS_ENDPOINT_URL_LAMBDA',
  'AWS_ENDPOINT_URL_CLOUDWATCH',
]

/**
 * The stack that `npm start` runs in the folder of BACKSYNC_HOME, default `.backsync` in the repository.
 *
 * @param env changed: the SDK's endpoints, region and credentials
 * @throws CliError when none runs there
 */
export const localTarget = async (env: NodeJS.ProcessEnv): Promise<Target> => {
  const home = resolve(env.BACKSYNC_HOME || join(import.meta.dirname, '..', '..', '..', '.backsync'))
  const { endpoints, outputs } = await readFacts(home)
  for (const name of MISLEADING) delete env[name]
  Object.assign(env, {
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
    AWS_ENDPOINT_URL_DYNAMODB_STREAMS: endpoints.dynamodb,
    AWS_ENDPOINT_URL_RDS_DATA: endpoints.rdsData,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.secretsManager,
    ...(endpoints.sts !== undefined && { AWS_ENDPOINT_URL_STS: endpoints.sts }),
    ...(endpoints.s3 !== undefined && { AWS_ENDPOINT_URL_S3: endpoints.s3 }),
    ...(endpoints.lambda !== undefined && { AWS_ENDPOINT_URL_LAMBDA: endpoints.lambda }),
    ...(endpoints.cloudWatch !== undefined && { AWS_ENDPOINT_URL_CLOUDWATCH: endpoints.cloudWatch }),
  })
  const texts = Object.entries(outputs).filter(
    (output): output is [string, string] => typeof output[1] === 'string',
  )
  return {
    name: 'local',
    description: `the local stack in ${home}`,
    outputs: Object.fromEntries(texts),
    ...(endpoints.mysql !== undefined && { direct: endpoints.mysql }),
  }
}

const readFacts = async (home: string): Promise<z.infer<typeof facts>> => {
  const file = join(home, 'stack.json')
  // A stack that was killed leaves its file behind.
  const runs = (await lockOwner(join(home, 'stack.lock'))) !== undefined
  const text = runs ? await readIfThere(file) : undefined
  if (text === undefined)
    throw new CliError({
      code: 'target.not-running',
      message: `no stack runs in ${home}`,
      hint: 'start one with npm start, set BACKSYNC_HOME to the folder of one that runs, or name a deployed one with --stack',
    })
  try {
    return facts.parse(JSON.parse(text))
  } catch (cause) {
    throw new CliError(
      { code: 'target.unreadable', message: `${file} can't be read`, hint: 'restart the stack' },
      { cause },
    )
  }
}

const readIfThere = async (file: string): Promise<string | undefined> => {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
