import * as z from 'zod'
import { type Entity, inOrderOfReference } from '../../../../functions/bridge/entity.ts'
import type { ParkedHead, Parking, ParkingArchive } from '../../../../functions/bridge/parking/parked.ts'
import { type RetryOutcome, retryParked } from '../../../../functions/bridge/sync/retry-parked.ts'
import { entities } from '../../../../functions/entities/index.ts'
import { type Context, defineCommand } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { CliError, interrupted } from '../../conventions/errors.ts'
import { EXIT } from '../../conventions/exit-codes.ts'
import { Progress } from '../../conventions/progress.ts'
import { printJsonLines, printLine, printTable } from '../../conventions/results.ts'
import { openParking, openWriteBack } from '../../target/connect.ts'
import { byAge, describeVersion } from './describe.ts'
import { CLASS_FLAG, entityName, parkedClass } from './input.ts'

/** Keys that are tried between two looks at Ctrl-C. */
const AT_ONCE = 100
/** How long those may take, in milliseconds, a store that can't be reached included. */
const GROUP_LIMIT = 60_000

export const retry = defineCommand({
  name: 'retry',
  summary: 'Tries parked changes again: applies the current item of each key.',
  arguments: [
    { name: '[entity]', summary: 'default: all, parents first' },
    { name: '[keys...]', summary: 'default: all' },
  ],
  flags: [CLASS_FLAG, { flags: '--code <code>', summary: 'only those with this reason, as the list has it' }],
  writes: true,
  examples: [
    'backsync parked retry --dry-run',
    'backsync parked retry chef 01a2017f-4a51-7745-ac17-4ad3b96278de',
    'backsync parked retry recipe --class dependency --yes',
  ],
  notes: [
    'The payload is evidence only: what is applied is what the item is now; where it is gone, the row is deleted.',
    'Each key ends as applied, superseded (the legacy side is newer already) or parked (still, with the reason); with',
    'any of the last the exit code is 3.',
  ].join('\n'),
  input: {
    arguments: z.tuple([entityName.optional(), z.array(z.string()).default([])]),
    options: z.object({ class: parkedClass.optional(), code: z.string().optional() }),
  },
  run: async (context, { args: [entity, keys], options }) => {
    const { io, json, target } = context
    const parking = openParking(target)
    const plan = await planOf(parking, entity, keys, options)
    const total = plan.reduce((sum, { heads }) => sum + heads.length, 0)
    if (context.dryRun || total === 0) {
      const heads = plan.flatMap((one) => one.heads)
      if (json)
        printJsonLines(
          io,
          heads.map((head) => ({ ...factsOf(head), outcome: 'would be tried' })),
        )
      else if (total === 0) printLine(io, 'nothing to try: nothing is parked')
      else
        printTable(
          io,
          HEAD,
          heads.map((head) => rowOf({ head, outcome: 'would be tried' })),
        )
      return EXIT.done
    }
    const each = plan.map(({ entity: { name }, heads }) => `${heads.length} of ${name}`).join(', ')
    await confirm(io, {
      what: `Trying ${total} parked changes again (${each}) on ${target.description}`,
      expected: target.name,
      yes: context.yes,
      signal: context.interrupt,
    })
    const outcomes = await tryAll(context, plan, total)
    return outcomes.some(({ outcome }) => outcome === 'parked') ? EXIT.differences : EXIT.done
  },
})

type Plan = readonly { readonly entity: Entity; readonly heads: readonly ParkedHead[] }[]

/** What is to be tried, in order of reference: a parent that comes in may be what its children wait for. */
const planOf = async (
  parking: Parking & ParkingArchive,
  only: Entity | undefined,
  keys: readonly string[],
  { class: of, code }: { class?: ParkedHead['class'] | undefined; code?: string | undefined },
): Promise<Plan> => {
  const plan: { entity: Entity; heads: ParkedHead[] }[] = []
  for (const entity of only === undefined ? inOrderOfReference(entities) : [only]) {
    const parked = await parking.parkedOf(entity.name)
    for (const key of keys) if (!parked.has(key)) await refuseUnknown(parking, entity, key)
    const heads = byAge(parked.values()).filter(
      (head) =>
        (keys.length === 0 || keys.includes(head.key)) &&
        (of === undefined || head.class === of) &&
        (code === undefined || head.code === code),
    )
    if (heads.length > 0) plan.push({ entity, heads })
  }
  return plan
}

/** A key that was resolved in the meantime needs no retry; one that never was parked is a mistake. */
const refuseUnknown = async (parking: ParkingArchive, { name }: Entity, key: string): Promise<void> => {
  if ((await parking.entryOf(name, key)) !== undefined) return
  throw new CliError({
    code: 'parked.unknown',
    message: `${name} ${key} is not parked`,
    hint: `nothing was tried; see backsync parked list --entity ${name}`,
  })
}

const tryAll = async (context: Context, plan: Plan, total: number): Promise<readonly RetryOutcome[]> => {
  const { io, json } = context
  const parts = openWriteBack(context)
  const progress = new Progress(io, 'keys tried', total)
  const outcomes: RetryOutcome[] = []
  try {
    for (const { entity, heads } of plan) {
      for (let at = 0; at < heads.length; at += AT_ONCE) {
        if (context.interrupt.aborted)
          throw interrupted(
            `interrupted: ${outcomes.length} of ${total} were tried, the others stay parked as they were`,
            'go on with the same command',
          )
        parts.deadline.begin({ awsRequestId: 'backsync', getRemainingTimeInMillis: () => GROUP_LIMIT })
        const tried = await retryParked(parts, entity.name, heads.slice(at, at + AT_ONCE))
        outcomes.push(...tried)
        if (json) printJsonLines(io, tried.map(jsonOf))
        progress.advance(tried.length)
      }
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
