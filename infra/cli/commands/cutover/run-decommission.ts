import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { contractSuffix } from '../../../../functions/bridge/cutover/contract-migration.ts'
import { type DecommissionPlan, planDecommission } from '../../../../functions/bridge/cutover/decommission.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { standsAt } from '../../../../functions/bridge/model/route.ts'
import type { Context } from '../../conventions/command.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { grouped } from '../../conventions/figures.ts'
import { printFacts, printJson, printLine, printTable } from '../../conventions/results.ts'
import { MIGRATIONS } from '../../target/checkout.ts'
import { openDecommission } from '../../target/open-decommission.ts'

export type DecommissionOptions = {
  readonly write?: boolean | undefined
  /** Where the team's migrations are. @default this checkout's */
  readonly folder?: string | undefined
}

/**
 * Shows what is left of an entity in Aurora, and the migration that takes it out; or writes that.
 *
 * @throws CliError with exit code 4 where something stands against it: nothing is written then
 */
export const runDecommission = async (
  context: Context,
  entity: Entity,
  { write = false, folder = MIGRATIONS }: DecommissionOptions,
): Promise<ExitCode> => {
  const { io, json } = context
  const plan = await planDecommission(entity, openDecommission(context, folder))
  const { contract, refusals } = plan
  const there = readdirSync(folder).find((file) => file.endsWith(`${contractSuffix(entity)}.up.sql`))
  if (there === undefined && write && refusals.length === 0 && contract !== undefined)
    for (const [direction, text] of [
      ['up', contract.up],
      ['down', contract.down],
    ] as const)
      await writeFile(join(folder, `${contract.name}.${direction}.sql`), text, { flag: 'wx' })
  const written = there ?? (write && contract !== undefined ? `${contract.name}.up.sql` : undefined)
  const next = nextOf(plan, written)
  if (json) printJson(io, { ...factsOf(plan), written: written ?? null, next })
  else show(context, plan, { there, next })
  if (refusals.length === 0) return EXIT.done
  throw new CliError({
    code: 'decommission.refused',
    message: `${entity.name} is still touched: ${refusals.map(({ says }) => says).join('; ')}`,
    hint: refusals[0]?.cure ?? '',
    exit: EXIT.refused,
  })
}

const factsOf = ({ entity, route, contract, left, legacyPath, ...plan }: DecommissionPlan) => ({
  ...{ route: entity.name, stage: standsAt(route), legacyPath, retired: entity.retired, ...left },
  ...{ triggers: plan.triggers, parked: plan.parked, conflicts: plan.conflicts },
  ...{ undelivered: plan.undelivered, keptTables: plan.keptTables, refusals: plan.refusals },
  migration: contract ?? null,
})

type Said = { readonly there: string | undefined; readonly next: readonly string[] }

const show = ({ io }: Context, plan: DecommissionPlan, { there, next }: Said): void => {
  const { entity, route, left, triggers, refusals, contract, keptTables } = plan
  const rows = Object.entries(left.rows).filter(([, count]) => count > 0)
  const columns = left.columns.map(({ name }) => name).join(', ')
  printFacts(io, {
    route: entity.name,
    stage: standsAt(route),
    'legacy paths': entity.retired ? 'none' : `${plan.legacyPath}, and what is below it`,
    columns: columns === '' ? 'none' : `${columns} of ${entity.table}`,
    indexes: left.indexes.map(({ name }) => name).join(', ') || 'none',
    triggers: triggers.length === 0 ? 'none' : triggers.join(', '),
    rows: rows.map(([table, count]) => `${grouped(count)} in ${table}`).join(', ') || 'none',
    parked: `${grouped(plan.parked)}, and ${grouped(plan.conflicts)} conflicts`,
    undelivered: `${grouped(plan.undelivered)} batches, of any entity`,
    ...(keptTables.length > 0 && { 'kept tables': `${keptTables.join(', ')} go on: they read DynamoDB` }),
    'in the way': refusals.length === 0 ? 'nothing' : `${refusals.length}`,
  })
  if (refusals.length > 0)
    printTable(
      io,
      ['what', 'why', 'what to do'],
      refusals.map(({ gate, says, cure }) => [gate, says, cure]),
    )
  if (contract !== undefined && there === undefined) {
    printLine(io, '')
    io.stdout.write(contract.up)
  }
  if (refusals.length > 0) return
  printLine(io, '')
  for (const [at, step] of next.entries()) printLine(io, `${at + 1}. ${step}`)
}

const nextOf = (
  { entity, contract, refusals }: DecommissionPlan,
  written: string | undefined,
): readonly string[] => {
  if (refusals.length > 0) return refusals.map(({ cure }) => cure)
  const { name, retired } = entity
  const files =
    written !== undefined
      ? [`commit sql/${written} and its .down.sql`]
      : contract === undefined
        ? []
        : [`npx backsync cutover decommission ${name} --write`]
  const line = retired ? [] : [`in the definition of ${name}${whereIs(name)}, say: retired: true`]
  if (files.length + line.length === 0) return ['nothing: nothing of it is left in Aurora']
  return [...files, ...line, 'deploy, or start, the stack again: both go together']
}

/** Where a definition says its name: the next line has room. */
const whereIs = (name: string): string => {
  const files = globSync('functions/{entities,sample}/**/*.ts')
  for (const file of files.toSorted()) {
    if (!existsSync(file)) continue
    const at = readFileSync(file, 'utf8')
      .split('\n')
      .findIndex((line) => new RegExp(`\\bname: ['"\`]${name}['"\`]`).test(line))
    if (at >= 0) return ` (${file}, behind line ${at + 1})`
  }
  return ''
}
