import type { Migrator, StatementEvidence } from '../../../../functions/bridge/migrations/migrator.ts'
import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { usageError } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printFacts, printJson, printJsonLines, printLine, printTable } from '../../conventions/results.ts'
import { openMigrator } from '../../target/open-migrator.ts'
import { whereOf } from './words.ts'

type Asked = { readonly migration: string; readonly statement: number }
export type RepairOptions = {
  readonly done?: boolean | undefined
  readonly notDone?: boolean | undefined
  readonly why?: string | undefined
  readonly folder?: string | undefined
}

export const runRepair = async (
  context: Context,
  { migration, statement }: { readonly [K in keyof Asked]?: Asked[K] | undefined },
  { done, notDone, why, folder }: RepairOptions,
): Promise<ExitCode> => {
  const { io, json, target } = context
  const outcome = done ? 'done' : notDone ? 'not-done' : undefined
  if (outcome !== undefined && (migration === undefined || statement === undefined))
    throw usageError(`--${outcome} of what?`, 'name the migration and the number of its statement')
  const { migrator, close } = openMigrator(context, {
    folder,
    onWait: (holder) => void io.stderr.write(`waiting for the run of ${holder}\n`),
  })
  try {
    const asked = await askedOf(migrator, { migration, statement })
    const evidence = await Promise.all(asked.map((one) => migrator.evidence(one)))
    const [only] = asked
    if (outcome === undefined || only === undefined) {
      if (json) printJsonLines(io, evidence.map(factsOf))
      else if (evidence.length === 0) printLine(io, 'no statement waits for an answer')
      else for (const one of evidence) show(context, one)
      return evidence.length === 0 ? EXIT.done : EXIT.differences
    }
    const repair = { ...only, outcome, why } as const
    if (context.dryRun) {
      if (json) printJson(io, { ...repair, dryRun: true })
      else for (const one of evidence) show(context, one)
      return EXIT.done
    }
    if (!context.yes) for (const one of evidence) show({ io: { ...io, stdout: io.stderr } }, one)
    await confirm(io, {
      what: `Recording ${only.migration}, statement ${only.statement}, as ${outcome === 'done' ? 'done' : 'not done'} on ${target.description}`,
      expected: target.name,
      yes: context.yes,
      signal: context.interrupt,
    })
    await migrator.repair(repair)
    if (json) printJson(io, { ...repair, dryRun: false })
    else {
      const then = outcome === 'done' ? 'goes on behind it' : 'sends it again'
      const way = only.migration.endsWith('.down') ? 'down' : 'up'
      printLine(
        io,
        `${only.migration}, statement ${only.statement}: recorded; npx backsync migrate ${way} ${then}`,
      )
    }
    return EXIT.done
  } finally {
    await close()
  }
}

const askedOf = async (
  migrator: Migrator,
  { migration, statement }: { readonly [K in keyof Asked]?: Asked[K] | undefined },
): Promise<readonly Asked[]> => {
  if (migration !== undefined && statement !== undefined) return [{ migration, statement }]
  const waiting = (await migrator.standings()).flatMap((one) =>
    one.statements
      .filter(({ state }) => state === 'unknown')
      .map(({ statement: at }): Asked => ({ migration: one.migration, statement: at })),
  )
  return waiting.filter((one) => migration === undefined || one.migration === migration)
}

const factsOf = ({ line, migration, at, known, isBegun, sql, runningFor, found }: StatementEvidence) => ({
  ...{ line, migration: migration.name, statement: at + 1, place: migration.places?.[at] ?? null, sql },
  begunBy: isBegun ? (known?.by ?? null) : null,
  begunAt: isBegun ? (known?.startedAt ?? null) : null,
  ...{ runningFor, found },
})

/** What a person decides by. */
const show = ({ io }: Pick<Context, 'io'>, evidence: StatementEvidence): void => {
  const { migration, at, sql, found } = evidence
  const { begunBy, begunAt, runningFor } = factsOf(evidence)
  printFacts(io, {
    migration: migration.name,
    statement: `${whereOf(at + 1, migration.places?.[at])} (${at + 1} of ${migration.statements.length})`,
    begun: begunBy === null ? 'no' : `by ${begunBy}${begunAt === null ? '' : `, in a run of ${begunAt}`}`,
    running: runningFor === null ? 'no' : `for ${runningFor} s: wait for its end`,
  })
  printLine(io, `\n${sql};\n`)
  if (found.length === 0) printLine(io, 'in the database: nothing of these names')
  else
    printTable(
      io,
      ['in the database', 'of', 'made', 'last written'],
      found.map(({ what, name, of, made, written }) => [
        `${what} ${name}`,
        of ?? '-',
        made ?? '-',
        written ?? '-',
      ]),
    )
  const command = `npx backsync migrate repair ${migration.name} ${at + 1}`
  printLine(
    io,
    `\nit is done:   ${command} --done --why '...'\nit is not:    ${command} --not-done --why '...'`,
  )
}
