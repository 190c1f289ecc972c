import { type Change, holdsAll, type Row, type Version } from '../model/change.ts'
import { ForeignWriteError } from '../model/conflict.ts'
import { type Entity, rowUnderKey } from '../model/entity.ts'
import { InvalidRecordError } from '../model/errors.ts'
import { splitKey } from '../model/identity.ts'
import { faultOfKey } from '../model/key.ts'
import type { Epoch } from '../model/owner.ts'
import { decodeItem, isList, isMap, type Value } from '../model/values.ts'
import type { TableIndex } from '../normalise/stream.ts'
import {
  createdAt,
  type Image,
  ISO,
  isOwnForm,
  isoTime,
  isStorable,
  type Origin,
  parseRecord,
  streamVersion,
  versionOf,
} from '../normalise/stream-record.ts'
import type { ReadChange, RecordFault, RecordReader, RecordReading } from '../ports/record-reader.ts'
import { isTombstone, RECORD } from './authority.ts'
import { readItemKey } from './item-key.ts'
import { epochOf, moveOf } from './move.ts'

/**
 * Who reads the streams of the entities' tables.
 *
 * @param tables table names in DynamoDB by their names in this project
 */
export const entityReaders = (
  entities: readonly Entity[],
  tables: Readonly<Record<string, string>>,
): TableIndex =>
  new Map(
    Object.entries(tables).flatMap(([name, table]) => {
      const [first, ...others] = entities.filter(({ item }) => item.table === name)
      return first === undefined ? [] : [[table, entityReader([first, ...others])]]
    }),
  )

/** Reads the records of a table that keeps entities. */
const entityReader = (entities: readonly [Entity, ...Entity[]]): RecordReader => ({
  table: entities[0].item.table,
  read: (record) => readRecord(record, entities),
})

/**
 * Reads one record of a stream. The delete and the upsert of an item that changes its entity stand for themselves: one
 * of them may be good and the other not.
 *
 * @param entities those that the record's table keeps
 */
const readRecord = (record: unknown, entities: readonly [Entity, ...Entity[]]): RecordReading => {
  const changes: ReadChange[] = []
  const faults: RecordFault[] = []
  const attempt = (entity: Entity, read: (known: Known) => void): void => {
    const known: Known = { key: undefined, version: undefined }
    try {
      read(known)
    } catch (error) {
      if (!(error instanceof InvalidRecordError || error instanceof ForeignWriteError)) throw error
      faults.push({ entity: entity.name, ...known, error })
    }
  }
  attempt(entities[0], () => {
    const { eventName, origin, keys, before, after } = parseRecord(record)
    const removes = eventName === 'REMOVE'
    if ((removes ? before : after) === undefined) {
      // The image would tell whose item it is: without it, by the key alone.
      const owner = entities.find((entity) => readItemKey(entity, keys) !== undefined)
      if (owner !== undefined)
        attempt(owner, (known) => {
          known.key = keyOf(keys, owner)
          throw new InvalidRecordError(`${eventName} without ${removes ? 'OldImage' : 'NewImage'}`)
        })
      return
    }
    const from = entityOf(entities, keys, before)
    const to = removes ? undefined : entityOf(entities, keys, after)
    if (from !== undefined && from !== to)
      attempt(from, (known) => {
        known.key = keyOf(keys, from)
        const move = moveOf(before, undefined, from.names)
        if (move.is === 'nothing') return
        const change = toDelete(from, known.key, before, origin)
        known.version = change.version
        if (move.is === 'foreign') throw new ForeignWriteError('aurora')
        changes.push({ change: underEpoch(change, move.epoch), unknownAttributes: 0 })
      })
    if (to !== undefined)
      attempt(to, (known) => {
        known.key = keyOf(keys, to)
        const move = moveOf(from === to ? before : undefined, after, to.names)
        if (move.is === 'nothing') return
        const image = decodeItem(after ?? {}, 'NewImage')
        known.version = to.versions === 'counted' ? versionOf(image, to.names.version) : streamVersion(origin)
        if (move.is === 'foreign') throw new ForeignWriteError('aurora')
        const read = underEpoch(toChange(to, known.key, image, known.version, origin), move.epoch)
        const change = from === to ? restating(to, read, before, after) : read
        const unknownAttributes = change.op === 'delete' ? 0 : countUnknown(to, image)
        changes.push({ change, unknownAttributes })
      })
  })
  return { changes, faults }
}

type Known = { key: string | undefined; version: Version | undefined }

const entityOf = (
  entities: readonly Entity[],
  keys: Record<string, Value>,
  image: Image,
): Entity | undefined =>
  image === undefined ? undefined : entities.find((entity) => isItemOf(entity, keys, image))

const isItemOf = (entity: Entity, keys: Record<string, Value>, image: Image): boolean => {
  if (image === undefined || readItemKey(entity, keys) === undefined) return false
  const { type } = entity.item
  if (type === undefined) return true
  const value = image[type.attribute]
  return typeof value === 'object' && value !== null && Reflect.get(value, 'S') === type.value
}

const keyOf = (keys: Record<string, Value>, entity: Entity): string => {
  const { keyParts, keyPlaces } = entity
  const read = readItemKey(entity, keys)
  const names = keyPlaces.map(({ attribute }) => attribute).join(' and ')
  if (read === undefined) throw new InvalidRecordError(`${names} is another one's key`)
  if ('fault' in read) throw new InvalidRecordError(read.fault)
  const { key } = read
  const fault = faultOfKey(key)
  if (fault !== undefined) throw new InvalidRecordError(`${names} ${fault}`)
  if (keyParts.length > 0 && splitKey(keyParts, key) === undefined)
    throw new InvalidRecordError(`${names} is not in the form of the entity's keys`)
  return key
}

const toDelete = (entity: Entity, key: string, oldImage: Image, origin: Origin): Change => {
  const version =
    entity.versions === 'counted'
      ? versionOf(decodeItem(oldImage ?? {}, 'OldImage'), entity.names.version) + 1n
      : streamVersion(origin)
  return { entity: entity.name, key, source: 'stream', op: 'delete', version, at: createdAt(origin) }
}

/** A change whose record's images are of one version and differ in what the entity knows: what no counting writer does. */
const restating = (entity: Entity, change: Change, before: Image, after: Image): Change => {
  const { version } = entity.names
  if (entity.versions !== 'counted' || change.op === 'delete') return change
  if (before === undefined || !isSameNumber(before[version], after?.[version])) return change
  const old = entity.image.safeParse(decodeItem(before ?? {}, 'OldImage'))
  return old.success && holdsAll(old.data, change.row) ? change : { ...change, restates: true }
}

/** As they are written: two ways to write one number are rare, and then their rows are compared for nothing. */
const isSameNumber = (one: unknown, other: unknown): boolean => {
  const [mine, theirs] = [numberIn(one), numberIn(other)]
  return mine === undefined || theirs === undefined
    ? JSON.stringify(one) === JSON.stringify(other)
    : mine === theirs
}

const numberIn = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, 'N') : undefined

/** A tombstone says that its key is deleted, at its own version. */
const toChange = (
  entity: Entity,
  key: string,
  image: Record<string, Value>,
  version: Version,
  origin: Origin,
): Change =>
  isTombstone(image)
    ? { entity: entity.name, key, source: 'stream', op: 'delete', version, at: timeOf(entity, image, origin) }
    : toUpsert(entity, key, image, version, origin)

const toUpsert = (
  entity: Entity,
  key: string,
  image: Record<string, Value>,
  version: Version,
  origin: Origin,
): Change => {
  const at = timeOf(entity, image, origin)
  return {
    entity: entity.name,
    key,
    source: 'stream',
    op: 'upsert',
    version,
    row: rowUnderKey(entity, key, rowOf(image, entity)),
    at,
  }
}

/** A time that no column could hold is the writer's fault; the record's own stands in, so that the row isn't lost to it. */
const timeOf = (
  { names }: Entity,
  { [names.updatedAt]: updatedAt }: Record<string, Value>,
  origin: Origin,
): string => {
  if (typeof updatedAt === 'string' && isOwnForm(updatedAt)) return updatedAt
  const written = typeof updatedAt === 'string' && ISO.test(updatedAt) ? Date.parse(updatedAt) : Number.NaN
  return isStorable(written) ? isoTime(written) : createdAt(origin)
}

/** The names that an entity's items have, and the members of each of its lists. */
type KnownNames = {
  readonly item: ReadonlySet<string>
  readonly lists: readonly (readonly [name: string, members: ReadonlySet<string>])[]
}

const namesOf = (entity: Entity): KnownNames => ({
  item: new Set([
    ...Object.entries(entity.fields).map(([name, { as = name }]) => as),
    ...[entity.names.version, entity.names.updatedAt, 'origin', ...Object.values(RECORD)],
    ...entity.keyPlaces.map(({ attribute }) => attribute),
    ...(entity.item.type ? [entity.item.type.attribute] : []),
  ]),
  lists: Object.entries(entity.children).map(([name, { as = name, attributes }]) => [
    as,
    new Set(Object.entries(attributes).map(([own, attribute]) => attribute.as ?? own)),
  ]),
})

/** They are asked for with each record. */
const known = new WeakMap<Entity, KnownNames>()

/** Names of the item, and of the members of its lists, that the entity doesn't have. */
const countUnknown = (entity: Entity, image: Record<string, Value>): number => {
  const names = known.get(entity) ?? namesOf(entity)
  known.set(entity, names)
  const strange = (own: object, of: ReadonlySet<string>): number => {
    let count = 0
    for (const name of Object.keys(own)) if (!of.has(name)) count += 1
    return count
  }
  let count = strange(image, names.item)
  for (const [name, members] of names.lists) {
    const list = image[name] ?? null
    if (isList(list)) for (const member of list) if (isMap(member)) count += strange(member, members)
  }
  return count
}

/**
 * Reads an item as the change that made it what it is.
 *
 * @param version for an entity whose versions come from the stream, which the item doesn't hold
 * @throws InvalidRecordError when it is not one of this entity
 */
export const itemToChange = (
  entity: Entity,
  key: string,
  image: Record<string, Value>,
  version?: Version,
): Change =>
  underEpoch(
    toChange(
      entity,
      key,
      image,
      entity.versions === 'counted' ? versionOf(image, entity.names.version) : (version ?? 1n),
      {
        created: Date.now() / 1000,
        sequenceNumber: '',
      },
    ),
    epochOf(image),
  )

const underEpoch = (change: Change, epoch: Epoch): Change => (epoch === 0n ? change : { ...change, epoch })

const rowOf = (image: Record<string, Value>, entity: Entity): Row => {
  const parsed = entity.image.safeParse(image)
  if (parsed.success) return parsed.data
  const where = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`)
  throw new InvalidRecordError(`The image is not a ${entity.name}: ${where.join('; ')}`)
}
