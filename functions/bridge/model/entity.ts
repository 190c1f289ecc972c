import * as z from 'zod'
import {
  type Attribute,
  type Field,
  type KeyPart,
  type RecordKind,
  writable,
} from './attributes/attribute.ts'
import { requireFitting } from './attributes/reference.ts'
import type { Row } from './change.ts'
import type { ChildRows } from './child-rows.ts'
import { columnFault, disagreeing, isPlainName, sharedColumns } from './columns.ts'
import { type Contract, type ContractDefinition, contractOf, isName, namesBeside } from './contract.ts'
import { InvalidRecordError } from './errors.ts'
import { parseExactJson } from './exact-json.ts'
import { type Hooks, hooksOf, type OwnReading, type ReadRows, readingOf } from './hooks.ts'
import { autoIncrement, type Identity, rowOfKey } from './identity.ts'
import { describeKey, haveOtherKeys, type ItemLayout, type KeyPlace, keyPlacesOf } from './item-layout.ts'
import { isMadeOfLater, keyPartsOf } from './key-parts.ts'
import { faultBeside, type LegacyFunction } from './legacy-function.ts'
import { mapOf } from './map-of.ts'
import { type MirrorDefinition, mirrorOf } from './mirror.ts'
import { requireOwnPaths } from './paths.ts'
import { faultOfSides, type Sides } from './side-function.ts'

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
  /**
   * What a delete leaves in DynamoDB: `moved`, a tombstone of a key that has changed hands, and nothing of any other; `item`,
   * one of each key: the item itself, emptied. Keys that are to be moved, or mirrored, need it of each. What reads the table by
   * itself has to pass it over. @default 'moved'
   */
  readonly tombstones?: 'moved' | 'item'
  /**
   * For how many days a delete is remembered: for longer than the longest fill takes, and then the stream's own day. What is
   * older can't come any more. @default 90
   */
  readonly tombstoneDays?: number
  /**
   * Has what plain SQL writes in the legacy tables carried to DynamoDB, and keys that DynamoDB owns guarded against it, as soon
   * as the triggers are installed. @default neither
   */
  readonly mirror?: MirrorDefinition
  /**
   * Where Aurora keeps version, owner and epoch of its live keys: in columns of the `row`, which adoption adds to the table, or in
   * a `sideTable` of the bridge's own, for a table that can't or mustn't be altered or whose triggers see every UPDATE. It can't
   * be changed once something was written. @default 'row'
   */
  readonly record?: RecordKind
  /**
   * What a PUT on a key that nothing has does: `replace` answers 404, `create` makes it, as a POST would, with the client's
   * key. Of an entity with counted ids a key of digits is never made so: it would be taken for an id. @default 'replace'
   */
  readonly put?: 'replace' | 'create'
  /** @default a table of its own, named after the entity */
  readonly item?: Omit<ItemLayout, 'keyAttribute'> & { readonly keyAttribute?: string }
  /**
   * Writes what the mapping can't express, in the transaction that writes the rows: `before` the bridge's own statements,
   * `after` or `instead` of them. A function alone is what comes `after`.
   */
  readonly write?: Hooks | NonNullable<Hooks['after']>
  /**
   * Reads rows whose content is not, or not all, in the columns of the table: `get` the whole of it, `list` what a page of a list
   * shows. A function alone is `get`.
   */
  readonly read?: OwnReading | ReadRows
  /** Its writes in Aurora are made by the team's own Lambda function: see `legacyFunction`. Its records are beside its rows. */
  readonly legacyFunction?: LegacyFunction
  /** Functions of the team's own that serve a side of it to the facade, deployed already: see `sideFunction`. @default none */
  readonly sides?: Sides
  /**
   * Says that its route is complete, and that nothing of it is left in Aurora: it has no legacy paths, its stream is not written
   * back, and its table there is neither carried over nor looked at. Only `npx backsync cutover decommission` says when. @default false
   */
  readonly retired?: boolean
  /** A valid body, for documentation and for commands to paste. */
  readonly example: Readonly<Record<string, unknown>>
}

/** A kind of thing kept in both stores. */
export type Entity = Omit<
  EntityDefinition,
  | 'children'
  | 'versions'
  | 'overruled'
  | 'identity'
  | 'idColumn'
  | 'item'
  | 'put'
  | 'tombstones'
  | 'tombstoneDays'
  | 'mirror'
  | 'record'
  | 'retired'
  | 'write'
  | 'read'
  | keyof ContractDefinition
> &
  Contract & {
    readonly identity: Identity
    readonly children: Readonly<Record<string, ChildRows>>
    readonly versions: 'counted' | 'stream'
    readonly overruled: 'lift' | 'park'
    readonly item: ItemLayout
    readonly put: 'replace' | 'create'
    readonly tombstones: 'moved' | 'item'
    readonly tombstoneDays: number
    readonly mirror?: Required<MirrorDefinition>
    readonly record: RecordKind
    readonly retired: boolean
    readonly write?: Hooks
    readonly read?: OwnReading
    /** The column that numbers its rows or, where the key is the primary key's columns, the first of these. */
    readonly idColumn: string
    /**
     * The columns that are the key; none where it stands in a column of its own. Where they refer to an entity that is defined
     * later, known only then.
     */
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
  const { children = {}, versions = 'counted', put = 'replace', legacyFunction } = definition
  const { record = legacyFunction === undefined ? 'row' : 'sideTable' } = definition
  const { attributes, keyName } = definition
  const { overruled = versions === 'stream' ? 'park' : 'lift' } = definition
  const identity = identityOf(definition, fail)
  const write = orFail(() => hooksOf(definition.write, { identity, record }), fail)
  const read = orFail(() => readingOf(definition.read), fail)
  const mirror = orFail(
    () => mirrorOf(definition.mirror, { versions, tombstones: definition.tombstones, write }),
    fail,
  )
  const { tombstones = mirror === undefined ? 'moved' : 'item', tombstoneDays = 90 } = definition
  const item: ItemLayout = { keyAttribute: keyName, table: definition.name, ...definition.item }
  const fields: Record<string, Field> = { ...attributes, ...children }

  for (const name of [definition.name, definition.plural, item.table])
    if (!NAME.test(name)) fail(`"${name}" is not a lower camel case name`)
  if (keyName === '') fail('"" is not a lower camel case name')
  if (!KEY_NAME.test(keyName)) fail(`"${keyName}" can't be a key's name: only letters, digits, _ and - can`)
  const keyColumns = identity.kind === 'natural' ? identity.columns : [identity.column]
  for (const name of [definition.table, ...keyColumns])
    if (!isPlainName(name)) fail(`"${name}" is not a plain SQL name`)
  if (versions === 'stream' && overruled === 'lift')
    fail('an item whose version comes from the stream has none that could be lifted')
  if (!Number.isInteger(tombstoneDays) || tombstoneDays < 2 || tombstoneDays > 3650)
    fail('tombstoneDays are whole days, from 2 to 3650')
  if (Object.keys(attributes).length === 0) fail('has no attributes')
  if (writable(attributes).length === 0) fail('has no attribute that is written')
  for (const name of Object.keys(fields)) {
    if (!NAME.test(name)) fail(`"${name}" is not a lower camel case name`)
    if (isInherited(name)) fail(`"${name}" is reserved`)
  }
  const contract = orFail(() => contractOf(definition), fail)
  const ofKey = once(
    () => {
      const keyParts = orFail(() => keyPartsOf(identity, attributes), fail)
      const keyPlaces = orFail(() => keyPlacesOf(item, keyParts), fail)
      const inJson = isPartNamed(keyName, keyParts) ? [] : [keyName]
      const beside = orFail(() => namesBeside(contract, inJson, keyPlaces, item.type?.attribute), fail)
      const outward = outwardFault(fields, beside)
      if (outward !== undefined) fail(outward)
      return { keyParts, keyPlaces }
    },
    () => fail('its key is made of keys that are made of its own'),
  )
  if (!isMadeOfLater(identity, attributes)) ofKey()
  if (Object.keys(children).some((name) => Object.hasOwn(attributes, name)))
    fail('an attribute and a list share a name')
  const taken = columnFault(attributes, identity.kind === 'natural' ? [] : keyColumns)
  if (taken !== undefined) fail(taken)
  const [idColumn = ''] = keyColumns
  const tables = [definition.table, ...Object.values(children).map(({ table }) => table)]
  for (const [name, child] of Object.entries(children)) {
    if (!isPlainName(child.table)) fail(`${name}: "${child.table}" is not a plain SQL name`)
    if (Object.keys(child.attributes).length === 0) fail(`${name}: has no attributes`)
    for (const own of Object.keys(child.attributes)) {
      if (!NAME.test(own)) fail(`${name}: "${own}" is not a lower camel case name`)
      if (isInherited(own)) fail(`${name}: "${own}" is reserved`)
    }
    const strange = outwardFault(child.attributes, [])
    if (strange !== undefined) fail(`${name}: ${strange}`)
    if (writable(child.attributes).length < Object.keys(child.attributes).length)
      fail(`${name}: child rows are written whole: leave out a column that the database sets`)
    const own = columnFault(child.attributes, [...child.parentColumns, child.positionColumn])
    if (own !== undefined) fail(`${name}: ${own}`)
    if (child.parentColumns.length !== keyColumns.length)
      fail(
        `${name}: its parentColumn has one column for each of the key's, which are ${keyColumns.join(', ')}`,
      )
    if (Object.values(child.attributes).some(({ references }) => references !== undefined))
      fail(`${name}: child rows can't refer to entities`)
  }

  const unfit = legacyFunction && faultBeside(legacyFunction, { record, write: definition.write, identity })
  if (unfit !== undefined) fail(unfit)
  const unserved = definition.sides && faultOfSides(definition.sides, { mirror: definition.mirror, identity })
  if (unserved !== undefined) fail(unserved)
  // Whoever replaces the rows of one list would delete the other's.
  if (new Set(tables).size < tables.length) fail('two of its lists, or it and a list, share a table')

  const schemas = mapOf(fields)
  const body = agreeing(schemas.body, attributes)
  const { write: _, mirror: __, read: ___, ...defined } = definition
  const entity: Entity = {
    ...defined,
    ...(write && { write }),
    ...(read && { read }),
    ...(mirror && { mirror }),
    children,
    versions,
    overruled,
    identity,
    item,
    ...contract,
    put,
    tombstones,
    tombstoneDays,
    record,
    retired: definition.retired ?? false,
    idColumn,
    get keyParts() {
      return ofKey().keyParts
    },
    get keyPlaces() {
      return ofKey().keyPlaces
    },
    fields,
    body,
    image: agreeing(schemas.image, attributes),
  }
  requireExample(entity)
  return entity
}

/** @throws TypeError for one that no client could send */
const requireExample = ({ name, body, example }: Entity): void => {
  const read = body.safeParse(parseExactJson(JSON.stringify(example)))
  if (!read.success)
    throw new TypeError(`Entity ${name}: its example is not valid: ${z.prettifyError(read.error)}`)
}

/** A value that is worked out when it is first asked for. @param inCircles what to do when it needs itself for that */
const once = <T>(make: () => T, inCircles: () => never): (() => T) => {
  let made: { readonly value: T } | 'making' | undefined
  return () => {
    if (made === 'making') return inCircles()
    if (made !== undefined) return made.value
    made = 'making'
    try {
      const value = make()
      made = { value }
      return value
    } finally {
      if (made === 'making') made = undefined
    }
  }
}

/** Refuses rows of which two attributes say two things of one column. */
const agreeing = (schema: z.ZodType<Row>, attributes: Readonly<Record<string, Attribute>>): z.ZodType<Row> =>
  sharedColumns(attributes).length === 0
    ? schema
    : schema.superRefine((row, context) => {
        for (const { reference, owner } of disagreeing(attributes, row))
          context.addIssue({
            code: 'custom',
            path: [attributes[reference]?.as ?? reference],
            message: `must name one of the same ${attributes[owner]?.as ?? owner}`,
          })
      })

/**
 * A row as its key has it.
 *
 * @throws InvalidRecordError for a key in another form, and for a row that is another key's, or says two things of a column
 */
export const rowUnderKey = ({ keyParts, attributes }: Entity, key: string, row: Row): Row => {
  const whole = rowOfKey(keyParts, key, row)
  const [fault] = whole === row ? [] : disagreeing(attributes, whole)
  if (fault === undefined) return whole
  throw new InvalidRecordError(`${fault.reference} names one of another ${fault.owner} than the row has`)
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
 * Checks of definitions what can be checked only of all of them: that items of entities which share a table can be told
 * apart, whatever the order in which they are tried; that each path is one entity's; and that what they refer to is there, and of the shape that is said.
 *
 * @throws TypeError naming those that can't be, or what is wrong with a reference
 */
export const requireDistinct = (entities: readonly Entity[]): void => {
  requireOwnPaths(entities)
  for (const entity of entities) requireReferences(entity, entities)
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

const requireReferences = (entity: Entity, entities: readonly Entity[]): void => {
  for (const [name, { references }] of Object.entries(entity.attributes)) {
    if (references === undefined) continue
    const fail = (why: string): never => {
      throw new TypeError(`Entity ${entity.name}: ${name} ${why}`)
    }
    if (!references.isDefined()) fail('refers to an entity that is not defined')
    requireFitting(references)
    const listed = entities.find((one) => one.name === references.entity)
    if (listed === undefined) continue
    if (
      listed.table !== references.table ||
      listed.idColumn !== references.idColumn ||
      listed.keyParts.length !== references.keyParts.length
    )
      fail(`refers to a ${references.entity} of another table or key than that entity has`)
    if (listed.record !== references.record)
      fail(`refers to a ${references.entity} whose records are elsewhere than that entity's`)
    if (listed.retired && !entity.retired)
      fail(
        `refers to a ${references.entity}, which is retired: what names one could not be written to Aurora`,
      )
  }
  // What refers to later definitions could not be checked before.
  if (Object.values(entity.attributes).some(({ references }) => references !== undefined)) {
    requireKeyParts(entity)
    requireExample(entity)
  }
}

/** @throws TypeError for a key that can't be made of what it refers to */
const requireKeyParts = ({ keyParts }: Entity): readonly KeyPart[] => keyParts

const areDistinct = (one: Entity, other: Entity): boolean => {
  const [mine, theirs] = [one.item.type, other.item.type]
  if (mine && theirs && mine.attribute === theirs.attribute) return mine.value !== theirs.value
  return haveOtherKeys(one.keyPlaces, other.keyPlaces)
}
