import { usageError } from '../conventions/errors.ts'
import { localTarget } from './local.ts'
import type { Target } from './target.ts'

export type TargetOptions = { readonly stack?: string; readonly profile?: string; readonly region?: string }

/**
 * Finds the stack that is meant, and puts the settings of its AWS clients into the environment, where the SDK and with
 * it the functions' own code look for them.
 *
 * @param env changed: endpoints and credentials of the local stack, or profile and region of the deployed one
 * @throws CliError
 */
export const resolveTarget = async (
  { stack, profile, region }: TargetOptions,
  env: NodeJS.ProcessEnv,
): Promise<Target> => {
  if (stack === undefined) {
    if (profile !== undefined || region !== undefined)
      throw usageError('--profile and --region belong to a deployed stack', 'name it with --stack')
    return localTarget(env)
  }
  // Loaded only where it is needed: the CloudFormation client takes its time.
  const { deployedTarget } = await import('./deployed.ts')
  return deployedTarget({ stack, ...(profile && { profile }), ...(region && { region }) }, env)
}
