import type { DynamoParking } from '../../../../functions/bridge/parking/dynamo-parking.ts'
import type { Parkable } from '../../../../functions/bridge/parking/parkables.ts'
import {
  type ParkedFilter,
  type Selected,
  selectParked,
} from '../../../../functions/bridge/parking/select-parked.ts'
import type { ParkedHead } from '../../../../functions/bridge/ports/parking.ts'
import { type RetryOutcome, retryParked } from '../../../../functions/bridge/sync/retry-parked.ts'
import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { CliError, interrupted } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { Progress } from '../../conventions/progress.ts'
import { printJsonLines, printLine, printTable } from '../../conventions/results.ts'
import { openParking } from '../../target/open-parking.ts'
import { openPartsOf } from '../../target/open-parts.ts'
import { describeVersion } from './describe.ts'
import { type Retriable, retriables } from './input.ts'

/** How long a group of keys may take, in milliseconds, a store that can't be reached included. */
const GROUP_LIMIT = 60_000

/** What is to be tried. */
type Wanted = ParkedFilter & { readonly keys: readonly string[] }

/**
 * Tries what a filter means again.
 *
 * @param of absent: all
 * @throws CliError with exit code 4 when it isn't confirmed, 130 when interrupted
 */
export const runRetry = async (
  context: Context,
  of: Parkable | undefined,
  wanted: Wanted,
): Promise<ExitCode> => {
  const { io, json, target } = context
  const plan = await planOf(openParking(target), of, wanted)
  const total = plan.reduce((sum, { heads }) => sum + heads.length, 0)
  if (context.dryRun || total === 0) {
    const heads = plan.flatMap((one) => one.heads)
    if (json)
      printJsonLines(
        io,
        heads.map((head) => ({ ...factsOf(head), outcome: 'would be tried' })),
      )
    else if (total === 0)
      printLine(io, `nothing to try: ${isNarrowed(wanted) ? 'none is like that' : 'nothing is parked'}`)
    else
      printTable(
        io,
        HEAD,
        heads.map((head) => rowOf({ head, outcome: 'would be tried' })),
      )
    return EXIT.done
  }
  const each = plan.map(({ of: { name }, heads }) => `${heads.length} of ${name}`).join(', ')
  await confirm(io, {
    what: `Trying ${total} parked changes again (${each}) on ${target.description}`,
    expected: target.name,
    yes: context.yes,
    signal: context.interrupt,
  })
  const outcomes = await tryAll(context, plan, total)
  return outcomes.some(({ outcome }) => outcome === 'parked') ? EXIT.differences : EXIT.done
}

const isNarrowed = ({ keys: _, ...filter }: Wanted): boolean =>
  Object.values(filter).some((one) => one !== undefined)

type Plan = readonly Selected<Retriable>[]

const planOf = async (parking: DynamoParking, of: Parkable | undefined, wanted: Wanted): Promise<Plan> => {
  if (of?.kind === 'conflicts')
    throw new CliError({
      code: 'parked.conflict',
      message: 'a conflict is ended by hand, and not by trying again',
      hint: `give the key to the side that is right with backsync key, then: backsync parked drop ${of.name}`,
    })
  const among = of === undefined ? retriables : [{ ...of, kind: of.kind }]
  const selected = await selectParked(parking, among, wanted, new Date())
  if (of !== undefined && wanted.keys.length > 0) {
    const parked = await parking.parkedAmong(of.name, wanted.keys)
    for (const key of wanted.keys) if (!parked.has(key)) await refuseUnknown(parking, of, key)
  }
  return selected.filter(({ heads }) => heads.length > 0)
}

/** A key that was resolved in the meantime needs no retry; one that never was parked is a mistake. */
const refuseUnknown = async (parking: DynamoParking, { name }: Parkable, key: string): Promise<void> => {
  if ((await parking.entryOf(name, key)) !== undefined) return
  throw new CliError({
    code: 'parked.unknown',
    message: `${name} ${key} is not parked`,
    hint: `nothing was tried; see backsync parked list --entity ${name}`,
  })
}

const tryAll = async (context: Context, plan: Plan, total: number): Promise<readonly RetryOutcome[]> => {
  const { io, json } = context
  const open = openPartsOf(context)
  const progress = new Progress(io, 'keys tried', { total })
  const outcomes: RetryOutcome[] = []
  try {
    for (const { of, heads } of plan) {
      const parts = await open(of.kind)
      const named = of.of ?? of.name
      const own = heads.map((head) => ({ ...head, entity: named }))
      await retryParked(parts, named, own, {
        mayBegin: () => {
          if (context.interrupt.aborted)
            throw interrupted(
              `interrupted: ${outcomes.length} of ${total} were tried, the others stay parked as they were`,
              `go on with: ${context.goOn}`,
            )
          parts.deadline.within(GROUP_LIMIT)
          return true
        },
        onGroup: (tried) => {
          outcomes.push(...tried)
          if (json) printJsonLines(io, tried.map(jsonOf))
          progress.advance(tried.length)
        },
      })
    }
  } finally {
    progress.end()
    // Whatever ends it early, what was tried until then is told.
    if (!json && outcomes.length > 0) printTable(io, [...HEAD, 'reason'], outcomes.map(rowOf))
  }
  return outcomes
}

const HEAD = ['entity', 'key', 'version', 'outcome']

const rowOf = (one: { head: ParkedHead; outcome: string; error?: RetryOutcome['error'] }): string[] => [
  one.head.entity,
  one.head.key,
  describeVersion(one.head),
  one.outcome,
  ...(one.error === undefined ? [] : [`${one.error.code}: ${one.error.message}`]),
]

const factsOf = ({ entity, key, version }: ParkedHead) => ({ entity, key, version })

const jsonOf = ({ head, outcome, error }: RetryOutcome) => ({
  ...factsOf(head),
  outcome,
  ...(error !== undefined && { code: error.code, message: error.message }),
})
