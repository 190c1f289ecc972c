import type { Kysely } from 'kysely'
import type { Attribute } from '../model/attributes/attribute.ts'
import type { Row } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { type BridgeError, UnreadableAttributesError, UnreadableValueError } from '../model/errors.ts'
import { isPlainObject } from '../model/exact-json.ts'
import type { FoundRow, OwnReading } from '../model/hooks.ts'
import { DecimalText, type Value } from '../model/values.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { inTime } from './hooks.ts'

/** What an entity's own code has made of a row, or that it can't be shown. */
export type OwnRow = { readonly row: Row } | { readonly error: BridgeError }

/**
 * Has an entity's own code read rows, and checks what it says of each.
 *
 * @param what the whole content, or what a list shows: there only those fields are known that the code has told
 * @returns by their keys; none for a row that it leaves out
 * @throws HookFailedError; what the database said to it; DeadlineError
 */
export const readOwn = async (
  entity: Entity,
  { get, list }: OwnReading,
  what: keyof OwnReading,
  rows: readonly FoundRow[],
  { database, deadline }: { readonly database: Kysely<unknown>; readonly deadline: Deadline },
): Promise<ReadonlyMap<string, OwnRow>> => {
  if (rows.length === 0) return new Map()
  const isPart = what === 'list' && list !== undefined
  const [name, read] = isPart ? (['read.list', list] as const) : (['read', get] as const)
  const answer: unknown = await inTime(deadline, entity, name, () => read({ rows, database }))
  return new Map(
    rows.flatMap(({ key }) => {
      const found = answer instanceof Map ? answer.get(key) : memberOf(answer, key)
      return found === undefined || found === null ? [] : [[key, checked(entity, found, isPart)] as const]
    }),
  )
}

const memberOf = (of: unknown, name: string): unknown =>
  isPlainObject(of) && Object.hasOwn(of, name) ? of[name] : undefined

const checked = (entity: Entity, found: unknown, isPart: boolean): OwnRow => {
  const faults: string[] = []
  const { attributes, children } = entity
  if (!isPlainObject(found)) return { error: new UnreadableAttributesError(entity.name, ['it is no object']) }
  noteStrangers(found, { ...attributes, ...children }, '', faults)
  const isTold = ([name]: readonly [string, unknown]): boolean => !isPart || found[name] !== undefined
  const row = Object.fromEntries([
    ...Object.entries(attributes)
      .filter(isTold)
      .map(([name, attribute]) => [name, readValue(attribute, found[name], attribute.as ?? name, faults)]),
    ...Object.entries(children)
      .filter(isTold)
      .map(([name, child]) => [name, membersOf(child.attributes, found[name], child.as ?? name, faults)]),
  ])
  return faults.length > 0 ? { error: new UnreadableAttributesError(entity.name, faults) } : { row }
}

const noteStrangers = (
  found: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, unknown>>,
  path: string,
  faults: string[],
): void => {
  for (const name of Object.keys(found))
    if (!Object.hasOwn(fields, name)) faults.push(`${path}${name} is no attribute`)
}

const membersOf = (
  attributes: Readonly<Record<string, Attribute>>,
  found: unknown,
  path: string,
  faults: string[],
): Value => {
  if (found === undefined || found === null) return []
  if (!Array.isArray(found)) {
    faults.push(`${path} is no list`)
    return []
  }
  return found.map((member: unknown, at): Value => {
    const place = `${path}.${at}.`
    if (!isPlainObject(member)) {
      faults.push(`${place} is no object`)
      return {}
    }
    noteStrangers(member, attributes, place, faults)
    return Object.fromEntries(
      Object.entries(attributes).map(([name, attribute]) => [
        name,
        readValue(attribute, member[name], `${place}${attribute.as ?? name}`, faults),
      ]),
    )
  })
}

/** A value in the form of its kind or, where it is in none of these, as a driver gives the column. */
const readValue = (attribute: Attribute, found: unknown, path: string, faults: string[]): Value => {
  if (found === undefined || found === null) return null
  const own = attribute.image.safeParse(toValue(found))
  if (own.success) return own.data
  try {
    const value = attribute.fromSql(found)
    const read = attribute.image.safeParse(value)
    if (read.success) return read.data
  } catch (error) {
    if (!(error instanceof UnreadableValueError)) throw error
  }
  faults.push(`${path} (${attribute.kind}) ${own.error.issues.map(({ message }) => message).join(', ')}`)
  return null
}

/** Numbers as the bridge keeps them. */
const toValue = (value: unknown): unknown => {
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value)))
    return new DecimalText(String(value))
  if (Array.isArray(value)) return value.map(toValue)
  if (!isPlainObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toValue(member)]))
}
