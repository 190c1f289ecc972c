import { freezeRoute, MoveFaultError, thawRoute } from '../../../../functions/bridge/cutover/move-route.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { standsAt } from '../../../../functions/bridge/model/route.ts'
import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printFacts, printJson } from '../../conventions/results.ts'
import { openRoutes } from '../../target/open-cutover.ts'
import { whoami } from '../../target/whoami.ts'

export const runFreeze = async (
  context: Context,
  entity: Entity,
  { thaw = false, why }: { readonly thaw?: boolean | undefined; readonly why?: string | undefined },
): Promise<ExitCode> => {
  const { io, json, target, dryRun, yes, interrupt } = context
  const routes = openRoutes(context)
  const [verb, done] = thaw ? ['Letting go', 'let go'] : ['Holding', 'frozen']
  if (!dryRun) {
    const what = `${verb} the route of ${entity.name} on ${target.description}`
    await confirm(io, { what, expected: target.name, yes, signal: interrupt })
  }
  const change = () =>
    thaw ? thawRoute(entity, { routes }) : freezeRoute(entity, { by: whoami(), why }, { routes })
  const route = await (dryRun ? routes.read(entity.name).then((read) => read.route) : change()).catch(
    (cause: unknown) => {
      if (!(cause instanceof MoveFaultError)) throw cause
      throw new CliError({ code: cause.code, message: cause.message, exit: EXIT.refused }, { cause })
    },
  )
  const facts = { route: entity.name, stage: standsAt(route), state: dryRun ? `would be ${done}` : done }
  if (json) printJson(io, { ...facts, frozen: route.frozen ?? null, dryRun })
  else printFacts(io, facts)
  return EXIT.done
}
