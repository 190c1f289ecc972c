import {
  planRecovery,
  RecoverFaultError,
  type RecoverOutcome,
  RecoveryEndedError,
  runRecovery,
} from '../../../../functions/bridge/cutover/recover.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import { standsAt } from '../../../../functions/bridge/model/route.ts'
import { RouteChangedError } from '../../../../functions/bridge/routes/dynamo-routes.ts'
import type { Context } from '../../conventions/command.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { grouped } from '../../conventions/figures.ts'
import { type FillingOptions, runFilling } from '../../conventions/filling.ts'
import { printTable } from '../../conventions/results.ts'
import { openCutover } from '../../target/open-cutover.ts'

/** A person reads no more of what is left. */
const ROWS = 20
const NAMES = { aurora: 'Aurora', dynamo: 'DynamoDB' } as const

export const runRecoverCommand = async (
  context: Context,
  entity: Entity,
  options: FillingOptions & { readonly restored: Owner; readonly why?: string | undefined },
): Promise<ExitCode> => {
  const { io, target } = context
  const { name } = entity
  const { restored, again, why } = options
  const parts = openCutover(context).recover
  const plan = await refusing(planRecovery(entity, parts, { restored, again }))
  const { job, todo, was, to, survivor, step, estimate } = plan
  const [from, next] = [standsAt(was.route), standsAt(to)]
  return runFilling<RecoverOutcome>(context, options, {
    ...{ jobs: parts.jobs, job, todo },
    facts: { route: name, restored, survivor, from, to: next, todo, step, estimate },
    lines: {
      route: name,
      restored: NAMES[restored],
      'keys go to': NAMES[survivor],
      from,
      to: next,
      'to do': todo,
    },
    extent: { items: estimate, bytes: 0, exact: false, reading: undefined },
    stage: { what: 'records' },
    question: `Giving all keys of ${name} to ${NAMES[survivor]}, as that has them, since ${NAMES[restored]} was restored, on ${target.description}`,
    run: ({ onProgress, ...run }) =>
      refusing(
        runRecovery(plan, {
          ...{ ...run, ...parts, why },
          onProgress: (at, tally) => onProgress(tally, { what: `records (${at})` }),
        }),
      ),
    interruptedAt: ({ tally }) =>
      `${grouped(tally.items)} records are looked at, ${grouped(tally.applied)} keys are given`,
    ended: ({ epoch, tally, refusals }) => {
      const rows = refusals.map(({ key, why: reason }) => [key.key?.S ?? '', reason] as const)
      return {
        facts: {
          ...{
            route: name,
            move: String(epoch),
            looked: tally.items,
            given: tally.applied,
            left: tally.refused,
          },
          rows,
        },
        lines: {
          route: name,
          move: String(epoch),
          'records looked at': grouped(tally.items),
          'keys given': grouped(tally.applied),
          left: grouped(tally.refused),
        },
        more: () => rows.length > 0 && printTable(io, ['key', 'why'], rows, ROWS),
        next: `npx backsync resync ${name} --from ${survivor}, then: npx backsync verify ${name}`,
        left: tally.refused > 0,
      }
    },
  })
}

/** What isn't so, or was changed by somebody else, ends with 4. */
const refusing = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (cause) {
    const isRefusal =
      cause instanceof RecoverFaultError ||
      cause instanceof RecoveryEndedError ||
      cause instanceof RouteChangedError
    if (!isRefusal) throw cause
    throw new CliError({ code: cause.code, message: cause.message, exit: EXIT.refused }, { cause })
  }
}
