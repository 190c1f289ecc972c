import * as z from 'zod'
import type { DynamoParking } from '../../../../functions/bridge/parking/dynamo-parking.ts'
import type { Selected } from '../../../../functions/bridge/parking/select-parked.ts'
import { defineCommand } from '../../conventions/command.ts'
import { usageError } from '../../conventions/errors.ts'
import { EXIT } from '../../conventions/exit-codes.ts'
import type { Io } from '../../conventions/io.ts'
import { printJsonLines, printLine, printTable } from '../../conventions/results.ts'
import { describeVersion, describeWaits, parsedPayload } from './describe.ts'
import { FILTER, parkableName, parkables } from './input.ts'

const HEAD = [
  'entity',
  'key',
  'version',
  'class',
  'code',
  'first seen',
  'last seen',
  'attempts',
  'waits for',
  'reason',
]
/** A person reads no more; `--json` has all. */
const ROWS = 100

/** Payloads that are read at once, and printed together. */
const LANES = 8
const TOGETHER = 32

/** A column of a table has so many characters for a sentence; `show` has all of it. */
const LONGEST_REASON = 100
const shortened = (reason: string): string =>
  reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON)} …` : reason

export const list = defineCommand({
  name: 'list',
  summary: 'Lists parked changes, the oldest first.',
  flags: [
    { flags: '--entity <name>', summary: 'only of this entity or kept table' },
    ...FILTER.flags,
    { flags: '--all', summary: 'also what was resolved in the last 90 days' },
    {
      flags: '--payloads',
      summary: "with --json: also what was set aside itself, a customer's values in it",
    },
  ],
  writes: false,
  examples: [
    'backsync parked list',
    'backsync parked list --entity recipe --class dependency',
    'backsync parked list --entity users-by-city',
    'backsync parked list --code version.* --older-than 1h',
    'backsync parked list --all --json',
    'backsync parked list --json --payloads',
  ],
  input: {
    arguments: z.tuple([]),
    options: z
      .object({
        ...FILTER.options,
        entity: parkableName.optional(),
        all: z.boolean().optional(),
        payloads: z.boolean().optional(),
      })
      .refine(
        ({ all, payloads }) => all !== true || payloads !== true,
        '--payloads are of what is parked: of what was resolved, as --all has it, see backsync parked show',
      ),
  },
  run: async ({ io, target, json }, { options: { entity, all = false, payloads = false, ...filter } }) => {
    if (payloads && !json) throw usageError('--payloads goes with --json', 'see backsync parked list --help')
    const { openParking } = await import('../../target/open-parking.ts')
    const { meansParked, selectParked } = await import(
      '../../../../functions/bridge/parking/select-parked.ts'
    )
    const parking = openParking(target)
    const now = new Date()
    const among = entity === undefined ? parkables : [entity]
    const selected = await selectParked(parking, among, filter, now)
    if (payloads) {
      await exportPayloads(io, parking, selected)
      return EXIT.done
    }
    const resolved = await Promise.all(
      among.map(async ({ name }) =>
        all ? (await parking.resolvedOf(name)).filter(meansParked(filter, now)) : [],
      ),
    )
    const heads = selected.flatMap((one, at) => [...one.heads, ...(resolved[at] ?? [])])
    if (json) printJsonLines(io, heads)
    else if (heads.length === 0) printLine(io, 'nothing is parked')
    else {
      const rows = heads.map((head) => [
        head.entity,
        head.key,
        describeVersion(head),
        head.class,
        head.code,
        head.firstSeen,
        head.lastSeen,
        String(head.attempts),
        describeWaits(head.waitsFor),
        shortened(head.message),
        ...(all ? [head.state] : []),
      ])
      printTable(io, all ? [...HEAD, 'state'] : HEAD, rows, ROWS)
    }
    const { mentionUndelivered } = await import('../undelivered/mention.ts')
    await mentionUndelivered({ io, target })
    return EXIT.done
  },
})

/** Heads and what was set aside, a line each: of a long list only so many payloads are in memory at once. */
const exportPayloads = async (
  io: Io,
  parking: DynamoParking,
  selected: readonly Selected[],
): Promise<void> => {
  const { inLanes } = await import('../../../../functions/bridge/runtime/lanes.ts')
  for (const { of, heads } of selected)
    for (let at = 0; at < heads.length; at += TOGETHER) {
      const entries = await inLanes(heads.slice(at, at + TOGETHER), LANES, ({ key }) =>
        parking.entryOf(of.name, key),
      )
      printJsonLines(
        io,
        entries.flatMap((one) =>
          one === undefined ? [] : [{ ...one.head, payload: parsedPayload(one.payload) }],
        ),
      )
    }
}
