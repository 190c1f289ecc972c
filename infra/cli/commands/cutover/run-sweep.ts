import {
  MOVED_BY_HAND,
  planSweep,
  readSweep,
  runSweep,
  SweepEndedError,
  type SweepOutcome,
} from '../../../../functions/bridge/cutover/sweep.ts'
import { machineSegments } from '../../../../functions/bridge/jobs/fill-requests.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { LOCKED } from '../../../../functions/bridge/model/outcome.ts'
import type { Context } from '../../conventions/command.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { grouped } from '../../conventions/figures.ts'
import { type FillingOptions, runFilling } from '../../conventions/filling.ts'
import { printTable } from '../../conventions/results.ts'
import { openCutover } from '../../target/open-cutover.ts'

/** A person reads no more of what is left. */
const ROWS = 20

export const runSweepCommand = async (
  context: Context,
  entity: Entity,
  options: FillingOptions,
): Promise<ExitCode> => {
  const { io, target } = context
  const { name } = entity
  const parts = openCutover(context).sweep
  const { again: anew, segments, on } = options
  const division = { again: anew, segments, ...(on === 'aws' && { countSegments: machineSegments }) }
  const plan = await planSweep(entity, parts, division)
  const { job, epoch, todo, estimate, step } = plan
  const facts = { route: name, move: epoch, todo, step, estimate }
  const lines = {
    route: name,
    move: String(epoch),
    'to do': todo === 'nothing' ? 'nothing: it is settled' : todo,
  }
  return runFilling<SweepOutcome>(context, options, {
    ...{ jobs: parts.jobs, job, todo, facts, lines },
    extent: { items: estimate, bytes: 0, exact: false, reading: undefined },
    stage: { what: 'records' },
    question: `Claiming all keys of ${name} that are of an earlier move than ${epoch} on ${target.description}`,
    run: ({ onProgress, ...run }) =>
      runSweep(plan, {
        ...run,
        ...parts,
        onProgress: (at, tally) => onProgress(tally, { what: `records (${at})` }),
      }).catch((cause: unknown) => {
        if (!(cause instanceof SweepEndedError)) throw cause
        throw new CliError({ code: cause.code, message: cause.message, exit: EXIT.refused }, { cause })
      }),
    machine: {
      output: 'SweepStateMachineArn',
      request: { entity: name },
      stageOf: (step) => ({ what: `records (${step})` }),
      outcome: (record) => readSweep(plan, parts.jobs, record),
    },
    interruptedAt: ({ claimed }) =>
      `${grouped(claimed.items)} records are looked at, ${grouped(claimed.applied)} are claimed`,
    ended: ({ claimed, left, settled, refusals }) => {
      const again = `npx backsync cutover sweep ${name}`
      const rows = refusals.map(({ key, why }) => [key.key?.S ?? '', why] as const)
      return {
        facts: { looked: claimed.items, claimed: claimed.applied, left: left.refused, settled, rows },
        lines: {
          route: name,
          'records looked at': grouped(claimed.items),
          claimed: grouped(claimed.applied),
          left: grouped(left.refused),
          settled: settled ? 'yes' : 'no',
        },
        more: () => rows.length > 0 && printTable(io, ['key', 'why'], rows, ROWS),
        next: settled
          ? undefined
          : [cureOf(rows.map(([, why]) => why)), again].filter(Boolean).join(', then: '),
        left: !settled,
      }
    },
  })
}

/** What comes before another sweep, by the reasons of what is left; nothing where it came meanwhile. */
const cureOf = (reasons: readonly string[]): string | undefined => {
  const codes = new Set(reasons.map(codeOf))
  const [isByHand, isLocked] = [codes.delete(MOVED_BY_HAND), codes.delete(LOCKED)]
  codes.delete(undefined)
  if (codes.size > 0) return 'npx backsync parked list'
  if (isByHand) return 'the command beside each key that was moved by hand'
  return isLocked ? 'end the transactions that hold rows' : undefined
}

/** What a claim was refused with begins a reason; what a proof alone has found has none. */
const codeOf = (why: string): string | undefined => /^([a-z-]+\.[a-z-]+): /.exec(why)?.[1]
