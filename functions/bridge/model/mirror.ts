import { type Hooks, keepsDeleted } from './hooks.ts'

/** How an entity's rows are mirrored to DynamoDB: by triggers on its legacy tables. */
export type MirrorDefinition = {
  /**
   * What becomes of plain SQL on a key that DynamoDB owns: `refuse`, the statement fails; or `record`, the row is written and
   * recorded as a conflict, and what the owner holds takes its place. @default 'refuse'
   */
  readonly plainSql?: 'refuse' | 'record'
}

/** What goes with a mirror, and what doesn't. */
type Beside = {
  readonly versions: 'counted' | 'stream'
  readonly tombstones: 'moved' | 'item' | undefined
  readonly write: Hooks | undefined
}

/**
 * The mirror as an entity has it.
 *
 * @returns undefined for a definition that says nothing of one
 * @throws TypeError for what can't be mirrored
 */
export const mirrorOf = (
  definition: MirrorDefinition | undefined,
  { versions, tombstones, write }: Beside,
): Required<MirrorDefinition> | undefined => {
  if (definition === undefined) return undefined
  const { plainSql = 'refuse' } = definition
  if (versions === 'stream')
    throw new TypeError(
      "mirror goes with versions: 'counted': those of the stream can't be told from a row's",
    )
  if (tombstones === 'moved')
    throw new TypeError("mirror goes with tombstones: 'item', which it brings by itself")
  if (plainSql === 'record' && keepsDeleted({ write }))
    throw new TypeError(
      "plainSql: 'record' takes a row's version back to 0, by which write.instead.delete marks what it deletes",
    )
  return { plainSql }
}

/** The name under which what Aurora holds of an entity is set aside that DynamoDB can't take: beside what comes from there. */
export const outwardParkingOf = (entity: string): string => `${entity}.mirror`
