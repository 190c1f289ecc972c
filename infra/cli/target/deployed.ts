import { CloudFormationClient, DescribeStacksCommand, type Stack } from '@aws-sdk/client-cloudformation'
import { CliError } from '../conventions/errors.ts'
import type { Target } from './target.ts'

/** The longest that the question may take, in milliseconds, repeats included. */
const CALL_LIMIT = 20_000
/** Credentials of the shell that the SDK would prefer, or take with a warning, over a profile that was named. */
const OVERRULED = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']

/**
 * A stack in AWS, by its name in CloudFormation.
 *
 * @param env changed: profile and region, as the SDK reads them
 * @throws CliError when there is none, or none that is in use
 */
export const deployedTarget = async (
  { stack, profile, region }: { stack: string; profile?: string; region?: string },
  env: NodeJS.ProcessEnv,
): Promise<Target> => {
  if (profile !== undefined) {
    for (const name of OVERRULED) delete env[name]
    env.AWS_PROFILE = profile
  }
  if (region !== undefined) env.AWS_REGION = region
  const client = new CloudFormationClient({ requestHandler: { connectionTimeout: 3_000 } })
  try {
    const { Outputs = [], StackName = stack } = await describe(client, stack)
    const where = await client.config.region()
    return {
      name: StackName,
      description: `the stack ${StackName} in ${where}`,
      outputs: Object.fromEntries(
        Outputs.flatMap(({ OutputKey: name, OutputValue: value }) =>
          name === undefined || value === undefined ? [] : [[name, value]],
        ),
      ),
    }
  } finally {
    client.destroy()
  }
}

const describe = async (client: CloudFormationClient, stack: string): Promise<Stack> => {
  try {
    const command = new DescribeStacksCommand({ StackName: stack })
    const { Stacks = [] } = await client.send(command, { abortSignal: AbortSignal.timeout(CALL_LIMIT) })
    const [found] = Stacks
    if (found === undefined) throw new Error('CloudFormation described no stack')
    return found
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CliError(
      {
        code: 'target.not-found',
        message: `the stack ${stack} can't be read: ${why}`,
        hint: 'check its name, --profile and --region; cloudformation:DescribeStacks is needed',
      },
      { cause },
    )
  }
}
