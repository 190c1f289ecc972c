import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { EXIT } from '../../conventions/exit-codes.ts'
import { printJsonLines, printLine, printTable } from '../../conventions/results.ts'
import { byAge, describeVersion, describeWaits } from './describe.ts'
import { CLASS_FLAG, parkableName, parkables, parkedClass } from './input.ts'

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

/** A column of a table has so many characters for a sentence; `show` has all of it. */
const LONGEST_REASON = 100
const shortened = (reason: string): string =>
  reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON)} …` : reason

export const list = defineCommand({
  name: 'list',
  summary: 'Lists parked changes, the oldest first.',
  flags: [
    { flags: '--entity <name>', summary: 'only of this entity or kept table' },
    CLASS_FLAG,
    { flags: '--all', summary: 'also what was resolved in the last 90 days' },
  ],
  writes: false,
  examples: [
    'backsync parked list',
    'backsync parked list --entity recipe --class dependency',
    'backsync parked list --entity users-by-city',
    'backsync parked list --all --json',
  ],
  input: {
    arguments: z.tuple([]),
    options: z.object({
      entity: parkableName.optional(),
      class: parkedClass.optional(),
      all: z.boolean().optional(),
    }),
  },
  run: async ({ io, target, json }, { options }) => {
    const { openParking } = await import('../../target/open-parking.ts')
    const parking = openParking(target)
    const heads = (
      await Promise.all(
        (options.entity === undefined ? parkables : [options.entity]).map(async ({ name }) => [
          ...byAge((await parking.parkedOf(name)).values()),
          ...(options.all === true ? await parking.resolvedOf(name) : []),
        ]),
      )
    )
      .flat()
      .filter((head) => options.class === undefined || head.class === options.class)
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
        ...(options.all === true ? [head.state] : []),
      ])
      printTable(io, options.all === true ? [...HEAD, 'state'] : HEAD, rows, ROWS)
    }
    const { mentionUndelivered } = await import('../undelivered/mention.ts')
    await mentionUndelivered({ io, target })
    return EXIT.done
  },
})
