import { type CallState, countedReferences } from '../aurora/call-statements.ts'
import { hasOwnKey } from '../aurora/part-sql.ts'
import { itemKey } from '../dynamo/item-key.ts'
import { toItem } from '../dynamo/items.ts'
import { type Json, writable } from '../model/attributes/attribute.ts'
import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { isPlainObject } from '../model/exact-json.ts'
import { jsonRow } from '../model/json-row.ts'
import type { CalledItem, KnownCall, LegacyCall } from '../model/legacy-function.ts'

/** A change as it is called for, by what the store has of its key. */
export const madeCall = (entity: Entity, change: Change, state: CallState): LegacyCall => {
  const { key, version, at } = change
  return {
    entity: entity.name,
    ...ofStore(entity, change.op, state),
    ...{ key, version, at },
    ...(change.op === 'upsert' && { row: jsonRow(entity, change.row) }),
    ids: idsOf(entity, state),
    get item() {
      return itemOf(entity, change)
    },
  }
}

/** A call that somebody else has made of the key, as far as it is known: the ids that it referred to are not. */
export const leftCall = (entity: Entity, key: string, state: CallState): KnownCall => {
  const op = state.called_op === 'delete' ? 'delete' : 'upsert'
  const row = op === 'upsert' ? readBody(state.body) : undefined
  return {
    ...ofStore(entity, op, state),
    key,
    version: BigInt(state.called ?? '0'),
    at: state.called_at ?? '',
    ...(row && { row }),
    ids: {},
  }
}

/** What is kept of calls while they are under way: see `claimCalls`. */
export const bodiesOf = (entity: Entity, changes: readonly Change[]): string =>
  JSON.stringify(
    changes.map((change) => [
      change.key,
      change.op,
      JSON.stringify(change.op === 'upsert' ? jsonRow(entity, change.row) : null),
    ]),
  )

const ofStore = (entity: Entity, op: Change['op'], { id }: CallState) => {
  const isThere = id !== null
  const name: KnownCall['op'] = op === 'delete' ? 'delete' : isThere ? 'replace' : 'create'
  return { op: name, ...(isThere && !hasOwnKey(entity) && { legacyId: id }) }
}

const idsOf = (entity: Entity, state: CallState): Record<string, string> => {
  const names = writable(entity.attributes).map(([name, { as = name }]) => as)
  return Object.fromEntries(
    countedReferences(entity).flatMap(({ at }) => {
      const [name, id] = [names[at], state[`r${at}`]]
      return name === undefined || id === null || id === undefined ? [] : [[name, id]]
    }),
  )
}

const itemOf = (entity: Entity, change: Change): CalledItem => {
  const keys = itemKey(entity, change.key)
  return change.op === 'upsert' ? { keys, image: toItem(entity, change, change.row) } : { keys }
}

const readBody = (body: string | null): Readonly<Record<string, Json>> | undefined => {
  const parsed: unknown = JSON.parse(body ?? 'null')
  return isPlainObject(parsed)
    ? Object.fromEntries(
        Object.entries(parsed).flatMap(([name, value]) => (isJson(value) ? [[name, value]] : [])),
      )
    : undefined
}

const isJson = (value: unknown): value is Json =>
  value === null ||
  ['boolean', 'number', 'string'].includes(typeof value) ||
  (Array.isArray(value) ? value.every(isJson) : isPlainObject(value) && Object.values(value).every(isJson))
