import type { StreamLag } from '../../../functions/bridge/jobs/worst-lag.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import type { Context } from '../conventions/command.ts'
import { stderrLog } from './log.ts'

/**
 * How late a function of the stack gets its stream's records. What reads metrics is loaded at the first look.
 *
 * @param output the stack's output that has the function's name
 * @returns gives undefined where nobody can tell
 */
export const openStreamLag = (
  { target, io, debug }: Pick<Context, 'target' | 'io' | 'debug'>,
  output: 'BackSyncFunctionName' | 'TableSyncFunctionName',
): (() => Promise<StreamLag | undefined>) => {
  const name = target.outputs[output]
  // The SDK would ask AWS instead, with credentials of nobody's.
  const isMute = target.name === 'local' && process.env.AWS_ENDPOINT_URL_CLOUDWATCH === undefined
  if (name === undefined || isMute) return async () => undefined
  const opened = async () => {
    const [{ openCloudWatch }, { watchStream }] = await Promise.all([
      import('../../../functions/bridge/drivers/cloudwatch/read-metrics.ts'),
      import('../../../functions/bridge/status/stream-lag.ts'),
    ])
    return watchStream(openCloudWatch(), name, { deadline: new Deadline(), log: stderrLog(io, debug) })
  }
  let watched: ReturnType<typeof opened> | undefined
  return async () => {
    watched ??= opened()
    return (await watched)()
  }
}
