import type { Item } from '../drivers/dynamo/items.ts'
import { RECORD } from '../dynamo/authority.ts'
import type { Row, Version } from '../model/change.ts'

/**
 * What an item of a kept table has beside its attributes: at which version it is, and of which item of the source it
 * was made. The guard compares them in the write itself.
 */
export const STAMP = { version: 'backsync_version', source: 'backsync_source' } as const

/** The version and source key of a kept item; undefined where something else wrote it. */
export const stampOf = (
  item: Item,
): { readonly version: Version; readonly sourceKey: string } | undefined => {
  const version = item[STAMP.version]?.S
  const sourceKey = item[STAMP.source]?.S
  return version === undefined || sourceKey === undefined || !/^\d+$/.test(version)
    ? undefined
    : { version: BigInt(version), sourceKey }
}

const OURS: ReadonlySet<string> = new Set([...Object.values(STAMP), ...Object.values(RECORD)])

/**
 * A kept table may itself be read by a job, and an entity's table be kept by another one: neither its stamps nor whose its
 * keys are is part of the items.
 */
export const withoutStamp = (row: Row): Row =>
  Object.fromEntries(Object.entries(row).filter(([name]) => !OURS.has(name)))
