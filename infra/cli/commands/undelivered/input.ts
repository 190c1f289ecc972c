import * as z from 'zod'
import type { Parkable } from '../../../../functions/bridge/parking/parkables.ts'
import { type BatchFilter, selectBatches } from '../../../../functions/bridge/undelivered/select-batches.ts'
import type { Undelivered, UndeliveredHead } from '../../../../functions/bridge/undelivered/undelivered.ts'
import { entities } from '../../../../functions/entities/index.ts'
import { projections } from '../../../../functions/tables/index.ts'
import type { Context } from '../../conventions/command.ts'
import { CliError } from '../../conventions/errors.ts'
import { NEWER_THAN, OLDER_THAN } from '../../conventions/flags.ts'
import { Progress } from '../../conventions/progress.ts'
import { tablesOf } from '../../target/settings.ts'
import type { Target } from '../../target/target.ts'
import { parkableName } from '../parked/input.ts'

/** An entity or a kept table: whose changes are in the streams' batches. */
const followed = parkableName.superRefine(({ name, kind, of }, context) => {
  if (kind === 'entity' || kind === 'table') return
  const message = `nothing of ${name} comes by a stream; say ${of ?? name.replace(/\.conflicts$/, '')}`
  context.addIssue({ code: 'custom', message })
})

/** What a list of batches is narrowed to; the same for all that takes one. */
export const FILTER = {
  flags: [
    { flags: '--entity <name>', summary: "only of this entity's table, or of the one that keeps this table" },
    { flags: '--function <name>', summary: 'only what this function would not take' },
    { flags: '--code <reason>', summary: 'only with this reason, as the list has it' },
    OLDER_THAN.flag,
    NEWER_THAN.flag,
  ],
  options: {
    entity: followed.optional(),
    function: z.string().optional(),
    code: z.string().optional(),
    olderThan: OLDER_THAN.value.optional(),
    newerThan: NEWER_THAN.value.optional(),
  },
} as const

export type FilterOptions = {
  readonly entity?: Parkable | undefined
  readonly function?: string | undefined
  readonly code?: string | undefined
  readonly olderThan?: number | undefined
  readonly newerThan?: number | undefined
}

export const isNarrowed = (options: FilterOptions): boolean =>
  Object.values(options).some((one) => one !== undefined)

/** The filter that the options say, by the names of a stack. @throws CliError when the stack lacks the table */
export const filterOf = (
  target: Target,
  { entity, function: by, code: condition, ...age }: FilterOptions,
): BatchFilter => {
  if (entity === undefined) return { ...age, function: by, condition }
  const named = entities.find(({ name }) => name === entity.name)
  const table =
    entity.kind === 'entity'
      ? named?.item.table
      : projections.find(({ name }) => name === entity.name)?.from.name
  const takes = entity.kind === 'entity' ? 'BackSyncFunctionName' : 'TableSyncFunctionName'
  return {
    ...age,
    condition,
    table: table === undefined ? undefined : tablesOf(target, [table]).of(table),
    // One table may be followed by two functions, each of which gives up for itself.
    function: by ?? target.outputs[takes],
  }
}

/**
 * The batches of these ids, or object keys; the oldest first.
 *
 * @param wanted none: all
 * @throws CliError for one that is not undelivered
 */
export const headsOf = async (
  undelivered: Undelivered,
  wanted: readonly string[],
): Promise<readonly UndeliveredHead[]> => {
  const heads = await undelivered.heads()
  if (wanted.length === 0) return heads
  for (const one of wanted)
    if (!heads.some(({ id, key }) => id === one || key === one))
      throw new CliError({
        code: 'undelivered.unknown',
        message: `${one} is not undelivered`,
        hint: 'nothing was done; see backsync undelivered list',
      })
  return heads.filter(({ id, key }) => wanted.includes(id) || wanted.includes(key))
}

/** As `headsOf`, those of them that a filter means. @throws CliError */
export const choose = async (
  { io, target }: Pick<Context, 'io' | 'target'>,
  undelivered: Undelivered,
  wanted: readonly string[],
  options: FilterOptions,
): Promise<readonly UndeliveredHead[]> => {
  const heads = await headsOf(undelivered, wanted)
  const progress = new Progress(io, 'batches looked at', { total: heads.length })
  try {
    return await selectBatches(undelivered, heads, filterOf(target, options), {
      now: new Date(),
      onRead: (more) => progress.advance(more),
    })
  } finally {
    progress.end()
  }
}
