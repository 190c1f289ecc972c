import * as z from 'zod'
import { asJson, itemReader } from '../drivers/dynamo/item-schema.ts'
import type { Entity } from '../model/entity.ts'
import { ForeignJobItemError } from './job-items.ts'
import type { JobNotes } from './job-notes.ts'

/*
 * What the last verification of an entity has found: read by whoever must know whether both stores agree. It stands beside the
 * verification's job, whose own record says nothing of an earlier run any more as soon as it begins anew.
 */

/**
 * How a key stands that is not the same at both sides, most of it as one side's record says:
 * - `onlyAurora`, `onlyDynamo`: one has it, and the other doesn't.
 * - `auroraBehind`, `dynamoBehind`: that side is at an earlier version, and has stayed there for longer than the lag.
 * - `conflict`: the same version, and other content.
 * - `typeOnly`: the same amounts and texts, one of them in a type that the definition doesn't know there.
 * - `unreadable`: a row or item for which the definition has no form.
 * - `parked`: its change is set aside, or it is listed as a conflict.
 * - `undelivered`: a batch with it was given up on.
 * - `moving`: of a move only the first step was done. `disputed`: each side takes the key for its own, or for the other's.
 */
export const DIVERGENCES = [
  'onlyAurora',
  'onlyDynamo',
  'auroraBehind',
  'dynamoBehind',
  'conflict',
  'typeOnly',
  'unreadable',
  'parked',
  'undelivered',
  'moving',
  'disputed',
] as const
export type Divergence = (typeof DIVERGENCES)[number]

/** How many keys stand in each way that is not the same at both sides. */
export type Divergences = Readonly<Record<Divergence, number>>

/** What a verification has found. */
export type Verification = {
  readonly entity: string
  /** When it ended; ISO 8601, UTC, as all times here. */
  readonly at: string
  /** When it began: what it says holds of what was written before that. */
  readonly freshAt: string
  /** Whether every key was looked at; false for a sample, for some keys, and for what was written since a time. */
  readonly complete: boolean
  /** Rows and items that were compared. */
  readonly rows: number
  readonly items: number
  readonly differences: Divergences
  /** Keys that others wrote whenever they were looked at: of these it says nothing. */
  readonly unsettled: number
  /** Time that was worked on it, in milliseconds. */
  readonly tookMs: number
}

/** Where notes on verifications are. */
type Noted = { readonly notes: Pick<JobNotes, 'read' | 'put'> }

/** The job that verifies an entity. */
export const verificationOf = ({ name }: Pick<Entity, 'name'>): string => `verify:${name}`

const LAST = { complete: 'last', partial: 'last-partial' } as const

/**
 * The last verification of an entity that has ended: the last complete one, or, where there is none, the last one of a part.
 *
 * @returns undefined where there is none of the last 90 days
 * @throws DynamoError, DeadlineError; ForeignJobItemError for what no verification has written
 */
export const lastVerification = async (
  entity: Pick<Entity, 'name'>,
  { notes }: Noted,
): Promise<Verification | undefined> => {
  const job = verificationOf(entity)
  const found = (await notes.read(job, LAST.complete)) ?? (await notes.read(job, LAST.partial))
  return found === undefined ? undefined : read(found).found
}

/** Notes what a verification has found. @throws DynamoError, DeadlineError */
export const noteVerification = async (verification: Verification, { notes }: Noted): Promise<void> => {
  const name = verification.complete ? LAST.complete : LAST.partial
  await notes.put(verificationOf({ name: verification.entity }), name, {
    found: { S: JSON.stringify(verification) },
  })
}

/** How many keys differ, in whatever way. */
export const differing = (differences: Divergences): number =>
  Object.values(differences).reduce((sum, count) => sum + count, 0)

const count = z.number().int().nonnegative()

const verification: z.ZodType<Verification> = z.object({
  entity: z.string(),
  at: z.iso.datetime(),
  freshAt: z.iso.datetime(),
  complete: z.boolean(),
  rows: count,
  items: count,
  differences: z.record(z.enum(DIVERGENCES), count),
  unsettled: count,
  tookMs: z.number().nonnegative(),
})

const read = itemReader(
  z.object({ found: asJson.pipe(verification) }),
  (cause) => new ForeignJobItemError("An item of the jobs' table is not a verification", { cause }),
)
