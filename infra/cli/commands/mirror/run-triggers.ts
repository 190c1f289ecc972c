import {
  carryOutTriggers,
  planAsSql,
  planInstall,
  planRemoval,
  type TriggerPlan,
} from '../../../../functions/bridge/aurora/triggers/install-triggers.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJson, printLine, printTable } from '../../conventions/results.ts'
import { openDirectDatabase } from '../../target/open-direct.ts'
import { openTriggers } from '../../target/open-triggers.ts'
import { requireBothKept } from '../../target/require-kept.ts'
import { wakeRelay } from '../../target/wake-relay.ts'

export type TriggerOptions = { readonly direct?: URL | undefined; readonly print?: boolean | undefined }

const TEXTS = {
  install: { what: 'Making triggers', nothing: 'all triggers are there' },
  remove: { what: 'Taking triggers away', nothing: 'there are no triggers' },
} as const

/**
 * Makes triggers, or takes them away: what is shown is what is done. The relay looks at once behind new ones.
 *
 * @throws CliError with exit code 4 when it isn't confirmed, or where the database itself can't be reached
 */
export const runTriggers = async (
  context: Context,
  verb: keyof typeof TEXTS,
  entities: readonly Entity[],
  { direct, print = false }: TriggerOptions,
): Promise<ExitCode> => {
  const { io, json, target } = context
  // Whoever takes them away may do so at any time.
  if (verb === 'install') for (const entity of entities) await requireBothKept(context, entity)
  const db = openTriggers(target)
  const plan = await (verb === 'install' ? planInstall(db, entities) : planRemoval(db, entities))
  if (print) {
    io.stdout.write(planAsSql(plan))
    return EXIT.done
  }
  if (context.dryRun || plan.steps.length === 0) {
    show(context, plan, verb)
    return EXIT.done
  }
  const connection = openDirectDatabase(target, direct)
  if (connection === undefined)
    throw new CliError({
      code: 'mirror.needs-direct',
      message: 'the Data API makes no triggers, and it is not known where the database itself can be reached',
      hint: `name it with --direct mysql://HOST:3306, or run what npx backsync mirror ${verb} --print shows in a client of your own`,
      exit: EXIT.refused,
    })
  try {
    await confirm(io, {
      what: `${TEXTS[verb].what} on ${target.description}: ${inWords(plan)}. Each table is locked meanwhile`,
      expected: target.name,
      yes: context.yes,
      signal: context.interrupt,
    })
    await carryOutTriggers(connection.db, plan)
  } finally {
    await connection.close()
  }
  const asleep = verb === 'install' ? await wakeRelay(target) : undefined
  if (asleep !== undefined)
    io.stderr.write(`backsync: the relay was not woken, and comes by its schedule: ${asleep}\n`)
  if (json) printJson(io, { ...facts(plan), dryRun: false })
  else for (const { entity, makes, drops } of plan.steps) printLine(io, `${entity}: ${done(makes, drops)}`)
  return EXIT.done
}

const done = (makes: readonly string[], drops: readonly string[]): string =>
  makes.length > 0 ? `${makes.length} triggers were made` : `${drops.length} triggers were taken away`

const facts = ({ steps }: TriggerPlan) => ({
  tables: steps.map(({ entity, tables, makes, drops }) => ({ entity, tables, makes, drops })),
})

const show = ({ io, json, dryRun }: Context, plan: TriggerPlan, verb: keyof typeof TEXTS): void => {
  if (json) printJson(io, { ...facts(plan), dryRun })
  else if (plan.steps.length === 0) printLine(io, TEXTS[verb].nothing)
  else
    printTable(
      io,
      ['entity', 'table', 'trigger', 'to do'],
      plan.steps.flatMap(({ entity, tables: [table = ''], makes, drops }) => [
        ...makes.map((name) => [entity, table, name, drops.includes(name) ? 'make anew' : 'make']),
        ...drops.filter((name) => !makes.includes(name)).map((name) => [entity, table, name, 'take away']),
      ]),
    )
}

const inWords = ({ steps }: TriggerPlan): string =>
  steps
    .map(({ tables, makes, drops }) => `${Math.max(makes.length, drops.length)} on ${tables.join(' and ')}`)
    .join(', ')
