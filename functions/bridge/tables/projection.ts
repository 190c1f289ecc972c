import { type KeyDefinition, type KeySchema, keyAttributes, keySchema } from '../drivers/dynamo/key-schema.ts'
import type { Row } from '../model/change.ts'
import { DecimalText, type Value } from '../model/values.ts'
import { type Table, tableName } from './table.ts'

/**
 * What the items of one table become in another. The stream keeps the target by it, and a scan fills it; both apply the
 * same changes under the same guard.
 */
export type Projection = {
  /** The target table's name in this project; metrics, parked changes and commands name the job by it. */
  readonly name: string
  /** `replicate` goes on for ever; `reshape` ends with a switch to the new table. */
  readonly kind: 'replicate' | 'reshape'
  readonly from: Table
  readonly key: KeySchema
  /**
   * The target's item for one of the source's, key included.
   *
   * @returns undefined for an item that has no place in the target
   * @throws anything, for an item that can't be projected: it is parked
   */
  readonly project: (row: Row) => Row | undefined
  /** Whether an item without the target's key is left out, as an index does it; it is refused otherwise. */
  readonly sparse: boolean
}

type Placed = {
  readonly from: Table
  /** The target table's name in this project. */
  readonly to: string
  /** @default the source's key */
  readonly key?: KeyDefinition
  /**
   * Whether the source's key is added to the target's sort key, behind a `#`: several items of the source whose target
   * key is the same then stand side by side. Otherwise the first one keeps the place and the others are parked.
   *
   * @default false
   */
  readonly keepApart?: boolean
}

export type Replication = Placed & {
  /**
   * Whether items that lack an attribute of the target's key are left out, and counted as ignored, as an index does it;
   * else they are parked. @default true
   */
  readonly sparse?: boolean
} & (
    | { readonly pick?: readonly string[]; readonly omit?: undefined }
    | { readonly omit?: readonly string[]; readonly pick?: undefined }
  )

export type Reshaping = Placed & {
  /** New names by old ones. */
  readonly rename?: Readonly<Record<string, string>>
  /** Attributes to leave out, by their old names. */
  readonly drop?: readonly string[]
  /** Attributes to add or replace: constants, or computed from the item as it was. */
  readonly set?: Readonly<Record<string, Constant | ((before: Row) => Value | Constant)>>
  /** What the other words can't say; gets the item after them. No item: it has no place in the target. */
  readonly map?: (item: Row, before: Row) => Row | undefined
}

/** What an author may write for a value. */
export type Constant = string | boolean | null | number | bigint

/** Declares a table that a stream keeps, with another key or fewer attributes. */
export const replicate = ({ pick, omit, sparse = true, ...placed }: Replication): Projection => {
  const { from, to } = placed
  const key = targetKey(placed)
  const kept = new Set([...(pick ?? []), ...keyAttributes(key).map(({ name }) => name)])
  for (const name of keyAttributes(key).map((attribute) => attribute.name))
    if (omit?.includes(name)) throw new TypeError(`${to}: its key needs ${name}, which is left out`)
  const left = new Set(omit ?? [])
  const choose = (name: string): boolean => (pick === undefined ? !left.has(name) : kept.has(name))
  return {
    name: tableName(to),
    kind: 'replicate',
    from,
    key,
    project: apart(placed, key, (row) => pickBy(row, choose)),
    sparse,
  }
}

/** Declares a new table in which the items of another have another shape. */
export const reshape = ({ rename = {}, drop = [], set = {}, map, ...placed }: Reshaping): Projection => {
  const { from, to } = placed
  const names = Object.values(rename)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new TypeError(`${to}: two attributes are renamed to ${twice}`)
  const both = drop.find((name) => Object.hasOwn(rename, name))
  if (both !== undefined) throw new TypeError(`${to}: ${both} is renamed and dropped`)
  const key = targetKey(placed)
  const left = new Set([...drop, ...Object.keys(rename)])
  return {
    name: tableName(to),
    kind: 'reshape',
    from,
    key,
    sparse: false,
    project: apart(placed, key, (before) => {
      const item: Record<string, Value> = pickBy(before, (name) => !left.has(name))
      for (const [name, as] of Object.entries(rename)) {
        // What every object inherits, such as `constructor`, is no attribute.
        const value = Object.hasOwn(before, name) ? before[name] : undefined
        if (value !== undefined) item[as] = value
      }
      for (const [name, value] of Object.entries(set))
        item[name] = toValue(typeof value === 'function' ? value(before) : value)
      return map === undefined ? item : map(item, before)
    }),
  }
}

const pickBy = (row: Row, choose: (name: string) => boolean): Record<string, Value> =>
  Object.fromEntries(Object.entries(row).filter(([name]) => choose(name)))

const toValue = (value: Value | Constant): Value => {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError('not a finite number')
  return typeof value === 'number' || typeof value === 'bigint' ? new DecimalText(String(value)) : value
}

const targetKey = ({ from, to, key }: Placed): KeySchema =>
  key === undefined ? from.key : keySchema(key, to)

/** Adds the source's key to the sort key, where that is declared. */
const apart = (
  { from, to, keepApart = false }: Placed,
  { sort }: KeySchema,
  project: (row: Row) => Row | undefined,
): Projection['project'] => {
  if (from.name === to) throw new TypeError(`${to} can't be kept by itself`)
  if (!keepApart) return project
  if (sort?.type !== 'S') throw new TypeError(`${to}: keepApart needs a text sort key`)
  return (before) => {
    const item = project(before)
    const value = item?.[sort.name]
    if (typeof value !== 'string') return item
    const own = keyAttributes(from.key).map(({ name }) => keyPart(before[name]))
    return { ...item, [sort.name]: joined([value, ...own]) }
  }
}

const SEPARATOR = '#'

/**
 * Parts as one text, from which each can be told: where one of them has the separator in it, the lengths of all but the
 * last follow. So it begins with its parts in any case, and one whose parts lack the separator is what it has always been.
 */
const joined = (parts: readonly string[]): string => {
  const plain = parts.join(SEPARATOR)
  if (!parts.some((part) => part.includes(SEPARATOR))) return plain
  const lengths = parts.slice(0, -1).map(({ length }) => length)
  return `${plain}${SEPARATOR}${lengths.join('.')}`
}

const keyPart = (value: Value | undefined): string => {
  if (typeof value === 'string') return value
  if (value instanceof DecimalText) return value.canonical
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64url') : ''
}
