import { appendFile, writeFile } from 'node:fs/promises'
import type { Kysely } from 'kysely'
import { NOTHING } from '../../../../functions/bridge/jobs/segments.ts'
import {
  DIVERGENCES,
  type Divergence,
  differing,
  type Verification,
} from '../../../../functions/bridge/jobs/verifications.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import {
  type FoundDifference,
  foundDifference,
  VerificationLedger,
} from '../../../../functions/bridge/verify/ledger.ts'
import {
  planVerify,
  VerifyNotReadyError,
  type VerifyPlan,
  type VerifyScope,
  type VerifyStep,
} from '../../../../functions/bridge/verify/plan.ts'
import { runVerify, type VerifyOutcome } from '../../../../functions/bridge/verify/run.ts'
import type { Context } from '../../conventions/command.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { grouped } from '../../conventions/figures.ts'
import { type FillingOptions, runFilling } from '../../conventions/filling.ts'
import type { Stage } from '../../conventions/progress.ts'
import { printTable } from '../../conventions/results.ts'
import { openDirectDatabase } from '../../target/open-direct.ts'
import { openVerify } from '../../target/open-verify.ts'
import { requireBothKept } from '../../target/require-kept.ts'
import { readKeysFile } from './keys-file.ts'

export type VerifyOptions = FillingOptions & {
  readonly sample?: number | undefined
  readonly since?: string | undefined
  readonly keys?: string | undefined
  readonly patience?: number | undefined
  readonly report?: string | undefined
  readonly direct?: URL | undefined
}

/** Differences that are shown, and are in the answer for scripts; the report has all of them. */
const SHOWN = 20

/**
 * Compares all that both stores hold of an entity.
 *
 * @throws CliError with exit code 4 when it is refused, 5 while somebody else is at it, 130 when interrupted
 */
export const runVerifyCommand = async (
  context: Context,
  entity: Entity,
  options: VerifyOptions,
): Promise<ExitCode> => {
  await requireBothKept(context, entity)
  const direct = options.direct && openDirectDatabase(context.target, options.direct)
  try {
    return await verify(context, entity, options, direct?.db)
  } finally {
    await direct?.close()
  }
}

const verify = async (
  context: Context,
  entity: Entity,
  options: VerifyOptions,
  direct: Kysely<unknown> | undefined,
): Promise<ExitCode> => {
  const { interrupt: signal } = context
  const { again, segments, patience, report } = options
  const parts = openVerify(context, direct)
  const scope = await scopeOf(entity, options)
  const plan = await planVerify(entity, parts, { scope, again, segments, signal }).catch(refused)
  const { job, todo, extent } = plan
  const isByKey = plan.division.sampled !== undefined
  const found: FoundDifference[] = []
  return runFilling(context, options, {
    ...{ jobs: parts.jobs, job, todo, extent, stage: stageOf(plan, plan.step) },
    facts: {
      ...{ entity: entity.name, scope: scope.of, todo, step: plan.step },
      ...{ segments: plan.segments, segmentsDone: plan.segmentsDone, items: plan.items, rows: plan.rows },
      hashed: 'why' in plan.canonical ? plan.canonical.why : 'by the server',
      ...(scope.of === 'sample' && { itemsRead: isByKey ? 'by key' : 'all' }),
    },
    lines: {
      entity: entity.name,
      'to do': planText(plan),
      rows:
        'why' in plan.canonical
          ? `are read and hashed here: ${plan.canonical.why}`
          : 'are summed up by the server',
      ...(scope.of === 'sample' && {
        items: isByKey
          ? `of the sampled rows are read by their keys, and ${plan.division.sampled} of ${plan.division.items} segments`
          : 'are all read: by their keys that would cost more',
      }),
    },
    // Nothing of anybody's is changed.
    question: undefined,
    run: ({ onProgress, ...run }) =>
      runVerify(plan, {
        ...run,
        ...parts,
        ...(patience !== undefined && { patience: patience * 1_000 }),
        onProgress: (step, looked) => onProgress({ ...NOTHING, items: looked }, stageOf(plan, step)),
      }),
    interruptedAt: ({ step, segmentsDone, segments: all }) =>
      `${stageOf(plan, step).what}: ${segmentsDone} of ${all} segments are done`,
    ended: async (outcome) => {
      const verification = concluded(outcome)
      const ledger = new VerificationLedger(
        parts.jobs.notes,
        {
          ...{ job, run: outcome.run, buckets: plan.division.buckets },
        },
        foundDifference,
      )
      if (report !== undefined) await writeFile(report, '')
      for await (const page of ledger.differences()) {
        if (report !== undefined)
          await appendFile(report, page.map((one) => `${JSON.stringify(one)}\n`).join(''))
        found.push(...page.slice(0, Math.max(0, SHOWN - found.length)))
      }
      const { rows, items, differences, unsettled, freshAt } = verification
      const left = differing(differences) + unsettled
      const compared = scope.of === 'all' || scope.of === 'sample'
      return {
        facts: { verification, differences: found, report: report ?? null },
        lines: {
          entity: entity.name,
          ...(compared && { 'rows compared': grouped(rows), 'items compared': grouped(items) }),
          fresh: `as of ${freshAt}${scope.of === 'all' ? '' : ', of a part'}`,
          result: left === 0 ? 'equal' : `${grouped(left)} ${left === 1 ? 'key differs' : 'keys differ'}`,
          ...Object.fromEntries(
            DIVERGENCES.filter((one) => differences[one] > 0).map((one) => [
              NAMES[one],
              grouped(differences[one]),
            ]),
          ),
          unsettled:
            unsettled === 0 ? undefined : `${grouped(unsettled)} (written whenever they were looked at)`,
          report: report === undefined || left === 0 ? undefined : report,
        },
        more: () => {
          if (found.length > 0) printDifferences(context, found, left)
        },
        next: nextStep(entity, verification),
        left: left > 0,
      }
    },
  })
}

const scopeOf = async (entity: Entity, { sample, since, keys }: VerifyOptions): Promise<VerifyScope> => {
  if (sample !== undefined) return { of: 'sample', percent: sample }
  if (since !== undefined) return { of: 'since', since }
  return keys === undefined ? { of: 'all' } : { of: 'keys', keys: await readKeysFile(keys, entity) }
}

/** What has to be done before ends with 4. */
const refused = (cause: unknown): never => {
  if (!(cause instanceof VerifyNotReadyError)) throw cause
  const { code, message, cure: hint } = cause
  throw new CliError({ code, message, hint, exit: EXIT.refused }, { cause })
}

const concluded = ({ verification }: VerifyOutcome): Verification => {
  if (verification === undefined) throw new TypeError('A verification that is done has found something out')
  return verification
}

/** How people say it. */
const NAMES: Readonly<Record<Divergence, string>> = {
  ...{ onlyAurora: 'only in Aurora', onlyDynamo: 'only in DynamoDB', auroraBehind: 'Aurora behind' },
  ...{ dynamoBehind: 'DynamoDB behind', conflict: 'conflict', typeOnly: 'other type only' },
  ...{ unreadable: 'unreadable', parked: 'parked', undelivered: 'undelivered' },
  ...{ moving: 'moving', disputed: 'disputed' },
}

const stageOf = ({ extent, rows, scope }: VerifyPlan, step: VerifyStep): Stage => {
  switch (step) {
    case 'items':
      return { what: 'items', total: extent.items }
    case 'rows':
      return { what: 'rows', total: rows }
    case 'narrow':
      return { what: 'rows of buckets that differ' }
    case 'strays':
      return { what: 'items of buckets that differ' }
    case 'sampleRows':
      return { what: 'rows in the sample' }
    case 'sampleItems':
      return { what: 'items in the sample' }
    case 'gather':
      return { what: 'keys', ...(scope.of === 'keys' && { total: extent.items }) }
    case 'look':
      return { what: 'keys looked at again' }
  }
}

const planText = ({
  todo,
  step,
  segments,
  segmentsDone,
  scope,
  table,
  items,
  rows,
  entity,
}: VerifyPlan): string => {
  if (todo === 'go on') return `go on with ${step}: ${segmentsDone} of ${segments} segments are done`
  if (scope.of === 'keys') return `look at ${grouped(scope.keys.length)} keys`
  const both = `about ${grouped(items)} items of ${table} and about ${grouped(rows)} rows of ${entity.table}`
  if (scope.of === 'since') return `look at what was written since ${scope.since} of ${both}`
  return scope.of === 'sample' ? `compare ${scope.percent} % of ${both}` : `compare ${both}`
}

const printDifferences = ({ io, json }: Context, found: readonly FoundDifference[], all: number): void => {
  if (json) return
  const rows = found.map(({ key, is, aurora = '-', dynamo = '-', fields, owner = '' }) => [
    ...[key, is === 'unsettled' ? is : NAMES[is], aurora, dynamo, owner, fields.join(', ')],
  ])
  printTable(io, ['key', 'how', 'aurora', 'dynamo', 'owner', 'fields'], rows)
  if (all > found.length) io.stdout.write(`and ${grouped(all - found.length)} more\n`)
}

/** What to type next; most of it first. */
const nextStep = ({ name }: Entity, { differences, unsettled }: Verification): string | undefined => {
  if (differing(differences) === 0) return unsettled === 0 ? undefined : `npx backsync verify ${name}`
  const { parked, undelivered } = differences
  if (differing(differences) === parked) return 'npx backsync parked list'
  if (differing(differences) === parked + undelivered) return 'npx backsync undelivered list'
  return `npx backsync repair ${name} --dry-run`
}
