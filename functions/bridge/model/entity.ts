import * as z from 'zod'
import { type Attribute, type Field, writable } from './attributes/attribute.ts'
import type { Change, Row } from './change.ts'
import type { ChildRows } from './child-rows.ts'
import { type Contract, type ContractDefinition, contractOf, isName, namesBeside } from './contract.ts'
import type { CustomWrite } from './custom-write.ts'
import { parseExactJson } from './exact-json.ts'
import { autoIncrement, type Identity, type KeyPart, keyPartsOf } from './identity.ts'
import { describeKey, haveOtherKeys, type ItemLayout, type KeyPlace, keyPlacesOf } from './item-layout.ts'
import { mapOf } from './map-of.ts'
import { requireOwnPaths } from './paths.ts'

/** What an author of an entity says about it. */
export type EntityDefinition = ContractDefinition & {
  /** The singular name, in changes, logs and tombstones: `chef`. */
  readonly name: string
  /** The name in paths, if it has none of its own, and in the stack's outputs: `chefs`. */
  readonly plural: string
  /** The key's name in JSON, in paths and, without `item`, in the DynamoDB table: `chefId`, `chef_id`. */
  readonly keyName: string
  /** The legacy table. */
  readonly table: string
  /** How its keys are made: `autoIncrement('id')`, `natural(['emp_no', 'dept_no'])`, `uuidKey('id')`. */
  readonly identity?: Identity
  /** The same as `identity: autoIncrement(...)`, as definitions had it up to 0.2. */
  readonly idColumn?: string
  readonly attributes: Readonly<Record<string, Attribute>>
  /** List attributes that are kept as rows of tables of their own. */
  readonly children?: Readonly<Record<string, ChildRows>>
  /**
   * Where versions come from: `counted` by every writer in the attribute `version`, or taken from the `stream`'s own
   * records, for a table whose writers keep none; then an item's `version` is not looked at. @default 'counted'
   */
  readonly versions?: 'counted' | 'stream'
  /**
   * What becomes of an item that is current and yet overruled, since the other store is at a larger version, or at the same
   * one with other content: `lift` raises the item's version above that, where the key is known to be DynamoDB's; `park` lists
   * it for a person to decide, as everything is listed of a key of which nobody knows whose it is. Of items whose versions come
   * from the stream nothing could be raised. @default 'lift', and 'park' for versions that come from the stream
   */
  readonly overruled?: 'lift' | 'park'
  /** @default a table of its own, named after the entity */
  readonly item?: Omit<ItemLayout, 'keyAttribute'> & { readonly keyAttribute?: string }
  /** Writes what the mapping can't express, in the transaction that writes the rows. */
  readonly write?: CustomWrite
  /** A valid body, for documentation and for commands to paste. */
  readonly example: Readonly<Record<string, unknown>>
}

/** A kind of thing kept in both stores. */
export type Entity = Omit<
  EntityDefinition,
  'children' | 'versions' | 'overruled' | 'identity' | 'idColumn' | 'item' | keyof ContractDefinition
> &
  Contract & {
    readonly identity: Identity
    readonly children: Readonly<Record<string, ChildRows>>
    readonly versions: 'counted' | 'stream'
    readonly overruled: 'lift' | 'park'
    readonly item: ItemLayout
    /** The column that numbers its rows or, where the key is the primary key's columns, the first of these. */
    readonly idColumn: string
    /** The columns that are the key; none where it stands in a column of its own. */
    readonly keyParts: readonly KeyPart[]
    /** The attributes of its items' primary key, partition key first. */
    readonly keyPlaces: readonly KeyPlace[]
    /** Attributes and child lists by name: all that a row has. */
    readonly fields: Readonly<Record<string, Field>>
    /** What a client may send: exactly the fields, each valid. */
    readonly body: z.ZodType<Row>
    /** What an item must hold; attributes that the entity doesn't know are left out. */
    readonly image: z.ZodType<Row>
  }

const NAME = /^[a-z][A-Za-z0-9]*$/
const SQL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
/** The name of a parameter of a path, too. */
const KEY_NAME = /^[A-Za-z][A-Za-z0-9_-]*$/

/**
 * Completes and checks an entity's definition.
 *
 * @throws TypeError naming the fault, so that a wrong definition fails when it is loaded and not at its first write
 */
export const defineEntity = (definition: EntityDefinition): Entity => {
  const fail = (why: string): never => {
    throw new TypeError(`Entity ${definition.name}: ${why}`)
  }
  const { children = {}, versions = 'counted', attributes, keyName } = definition
  const { overruled = versions === 'stream' ? 'park' : 'lift' } = definition
  const identity = identityOf(definition, fail)
  const item: ItemLayout = { keyAttribute: keyName, table: definition.name, ...definition.item }
  const fields: Record<string, Field> = { ...attributes, ...children }

  for (const name of [definition.name, definition.plural, item.table])
    if (!NAME.test(name)) fail(`"${name}" is not a lower camel case name`)
  if (keyName === '') fail('"" is not a lower camel case name')
  if (!KEY_NAME.test(keyName)) fail(`"${keyName}" can't be a key's name: only letters, digits, _ and - can`)
  const keyColumns = identity.kind === 'natural' ? identity.columns : [identity.column]
  for (const name of [definition.table, ...keyColumns])
    if (!SQL_NAME.test(name)) fail(`"${name}" is not a plain SQL name`)
  if (versions === 'stream' && overruled === 'lift')
    fail('an item whose version comes from the stream has none that could be lifted')
  if (Object.keys(attributes).length === 0) fail('has no attributes')
  if (writable(attributes).length === 0) fail('has no attribute that is written')
  for (const name of Object.keys(fields)) {
    if (!NAME.test(name)) fail(`"${name}" is not a lower camel case name`)
    if (isInherited(name)) fail(`"${name}" is reserved`)
  }
  const keyParts = orFail(() => keyPartsOf(identity, attributes), fail)
  const keyPlaces = orFail(() => keyPlacesOf(item, keyParts), fail)
  const contract = orFail(() => contractOf(definition), fail)
  const inJson = isPartNamed(keyName, keyParts) ? [] : [keyName]
  const beside = orFail(() => namesBeside(contract, inJson, keyPlaces, item.type?.attribute), fail)
  const outward = outwardFault(fields, beside)
  if (outward !== undefined) fail(outward)
  if (Object.keys(children).some((name) => Object.hasOwn(attributes, name)))
    fail('an attribute and a list share a name')
  const taken = columnFault(attributes, identity.kind === 'natural' ? [] : keyColumns)
  if (taken !== undefined) fail(taken)
  const [idColumn = ''] = keyColumns
  if (keyParts.length > 1 && Object.keys(children).length > 0)
    fail('a key of several columns has no lists yet: their rows name one column of it')
  const tables = [definition.table, ...Object.values(children).map(({ table }) => table)]
  for (const [name, child] of Object.entries(children)) {
    if (!SQL_NAME.test(child.table)) fail(`${name}: "${child.table}" is not a plain SQL name`)
    if (Object.keys(child.attributes).length === 0) fail(`${name}: has no attributes`)
    for (const own of Object.keys(child.attributes)) {
      if (!NAME.test(own)) fail(`${name}: "${own}" is not a lower camel case name`)
      if (isInherited(own)) fail(`${name}: "${own}" is reserved`)
    }
    const strange = outwardFault(child.attributes, [])
    if (strange !== undefined) fail(`${name}: ${strange}`)
    if (writable(child.attributes).length < Object.keys(child.attributes).length)
      fail(`${name}: child rows are written whole: leave out a column that the database sets`)
    const own = columnFault(child.attributes, [child.parentColumn, child.positionColumn])
    if (own !== undefined) fail(`${name}: ${own}`)
    if (Object.values(child.attributes).some(({ references }) => references !== undefined))
      fail(`${name}: child rows can't refer to entities`)
  }

  // Whoever replaces the rows of one list would delete the other's.
  if (new Set(tables).size < tables.length) fail('two of its lists, or it and a list, share a table')

  const { body, image } = mapOf(fields)
  const example = body.safeParse(parseExactJson(JSON.stringify(definition.example)))
  if (!example.success) fail(`its example is not valid: ${z.prettifyError(example.error)}`)
  return {
    ...definition,
    children,
    versions,
    overruled,
    identity,
    item,
    ...contract,
    idColumn,
    keyParts,
    keyPlaces,
    fields,
    body,
    image,
  }
}

const identityOf = ({ identity, idColumn }: EntityDefinition, fail: (why: string) => never): Identity => {
  if (identity !== undefined) return identity
  if (idColumn !== undefined) return autoIncrement(idColumn)
  return fail("says no identity: autoIncrement('id'), natural(['code']) or uuidKey('id')")
}

const orFail = <T>(make: () => T, fail: (why: string) => never): T => {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return fail(error.message)
  }
}

/** Whether the key's name in JSON is that of the only attribute that the key is made of: it is told once then. */
const isPartNamed = (keyName: string, [part, ...others]: readonly KeyPart[]): boolean =>
  part?.name !== undefined && others.length === 0 && (part.attribute.as ?? part.name) === keyName

/** Every JavaScript object has something under such a name, so that nobody could tell whether it is absent. */
const isInherited = (name: string): boolean => name in Object.prototype

/** What is wrong with the names that fields have in JSON and in items; undefined when nothing is. */
const outwardFault = (
  fields: Readonly<Record<string, Field>>,
  taken: readonly string[],
): string | undefined => {
  const names = Object.entries(fields).map(([name, { as = name }]) => as)
  const wrong = names.find((name) => !isInherited(name) && !isName(name))
  if (wrong !== undefined) return `"${wrong}" can't be a name in JSON`
  const reserved = names.find((name) => taken.includes(name) || isInherited(name))
  if (reserved !== undefined) return `"${reserved}" is reserved`
  return new Set(names).size === names.length ? undefined : 'two of its names in JSON are the same'
}

/**
 * What is wrong with the columns of a table; undefined when nothing is. MySQL's names of columns are the same in any
 * case.
 */
const columnFault = (
  attributes: Readonly<Record<string, Attribute>>,
  others: readonly string[],
): string | undefined => {
  const columns = [...others, ...Object.values(attributes).map(({ column }) => column)]
  const wrong = columns.find((column) => !SQL_NAME.test(column) || /^backsync_/i.test(column))
  if (wrong !== undefined) return `"${wrong}" can't be its column`
  const distinct = new Set(columns.map((column) => column.toLowerCase()))
  return distinct.size === columns.length ? undefined : 'two of its columns are the same'
}

/**
 * Says whether the items of entities that share a table can be told apart, whatever the order in which they are tried, and
 * whether each path is one entity's.
 *
 * @throws TypeError naming two that can't be
 */
export const requireDistinct = (entities: readonly Entity[]): void => {
  requireOwnPaths(entities)
  for (const [at, one] of entities.entries())
    for (const other of entities.slice(at + 1)) {
      if (one.item.table !== other.item.table) continue
      const both = `Entities ${one.name} and ${other.name} share the table ${one.item.table}`
      const [mine, theirs] = [describeKey(one.keyPlaces), describeKey(other.keyPlaces)]
      if (mine !== theirs) throw new TypeError(`${both}, but have the keys ${mine} and ${theirs}`)
      if (!areDistinct(one, other))
        throw new TypeError(
          `${both}, and nothing tells their items apart: give both a type of their own, or prefixes or constants of which none begins with the other`,
        )
      // Whoever chooses keys may choose another one's: it would be told of something that it can't see.
      if (
        [one, other].some(({ identity }) => identity.kind === 'natural') &&
        !haveOtherKeys(one.keyPlaces, other.keyPlaces)
      )
        throw new TypeError(
          `${both}, and a natural key may be both's: give them prefixes or constants of which none begins with the other`,
        )
    }
}

const areDistinct = (one: Entity, other: Entity): boolean => {
  const [mine, theirs] = [one.item.type, other.item.type]
  if (mine && theirs && mine.attribute === theirs.attribute) return mine.value !== theirs.value
  return haveOtherKeys(one.keyPlaces, other.keyPlaces)
}

/**
 * Orders entities so that each comes behind those that it refers to. Of those that refer to each other in a circle, the
 * one that comes first in the list goes first.
 */
export const inOrderOfReference = (entities: readonly Entity[]): Entity[] => {
  const ordered: Entity[] = []
  let rest = [...entities]
  while (rest.length > 0) {
    const names = new Set(rest.map(({ name }) => name))
    const free = rest.filter((entity) =>
      referencesOf(entity).every((other) => other === entity.name || !names.has(other)),
    )
    const next = free.length > 0 ? free : rest.filter((entity) => isInCircle(entity, rest)).slice(0, 1)
    ordered.push(...next)
    rest = rest.filter((entity) => !next.includes(entity))
  }
  return ordered
}

/** Whether an entity's rows may refer to each other, or by way of others to themselves. */
export const isInCircle = (entity: Entity, entities: readonly Entity[]): boolean => {
  const reached = new Set<string>()
  let next = referencesOf(entity)
  while (next.length > 0) {
    for (const name of next) reached.add(name)
    next = entities
      .filter(({ name }) => next.includes(name))
      .flatMap(referencesOf)
      .filter((name) => !reached.has(name))
  }
  return reached.has(entity.name)
}

/** The names of the entities that this one refers to. */
export const referencesOf = (entity: Entity): string[] =>
  Object.values(entity.attributes).flatMap(({ references }) => (references ? [references.entity] : []))

/** Which rows of other entities a change refers to. */
export const parentsOf = (entity: Entity, change: Change): { entity: string; key: string }[] =>
  change.op === 'delete'
    ? []
    : Object.entries(entity.attributes).flatMap(([name, { references }]) => {
        const key = change.row[name]
        return references !== undefined && typeof key === 'string' ? [{ entity: references.entity, key }] : []
      })
