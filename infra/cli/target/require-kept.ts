import type { Entity } from '../../../functions/bridge/model/entity.ts'
import { RouteCompleteError, requireKept } from '../../../functions/bridge/routes/require-kept.ts'
import type { Context } from '../conventions/command.ts'
import { CliError } from '../conventions/errors.ts'
import { EXIT } from '../conventions/exit-codes.ts'
import { stderrLog } from './log.ts'
import { openRoutes } from './open-cutover.ts'

/**
 * Refuses what needs both sides of an entity, once its route is complete. A stack of an earlier release has no routes.
 *
 * @throws CliError with exit code 4
 */
export const requireBothKept = async (
  context: Pick<Context, 'target' | 'io' | 'debug'>,
  entity: Pick<Entity, 'name'>,
): Promise<void> => {
  const { target, io, debug } = context
  if (target.outputs.RoutesTableName === undefined) return
  try {
    await requireKept(entity, { routes: openRoutes(context), log: stderrLog(io, debug) })
  } catch (cause) {
    if (!(cause instanceof RouteCompleteError)) throw cause
    const hint = `there is nothing to do: what is left of it in Aurora goes with npx backsync cutover decommission ${entity.name}`
    throw new CliError({ code: cause.code, message: cause.message, hint, exit: EXIT.refused }, { cause })
  }
}
