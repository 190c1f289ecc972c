// Checked by tsc and never run: an expected error that doesn't come is an error.
import { binary, fixedBinary } from '../../functions/bridge/model/attributes/binary.ts'
import { bit } from '../../functions/bridge/model/attributes/bit.ts'
import { boolean } from '../../functions/bridge/model/attributes/boolean.ts'
import { char } from '../../functions/bridge/model/attributes/char.ts'
import { datetime } from '../../functions/bridge/model/attributes/datetime.ts'
import { double } from '../../functions/bridge/model/attributes/double.ts'
import { float } from '../../functions/bridge/model/attributes/float.ts'
import { readOnly } from '../../functions/bridge/model/attributes/read-only.ts'
import { reference } from '../../functions/bridge/model/attributes/reference.ts'
import { setOf } from '../../functions/bridge/model/attributes/set-of.ts'
import { text } from '../../functions/bridge/model/attributes/text.ts'
import { time } from '../../functions/bridge/model/attributes/time.ts'
import { timestamp } from '../../functions/bridge/model/attributes/timestamp.ts'
import { uuid } from '../../functions/bridge/model/attributes/uuid.ts'
import { year } from '../../functions/bridge/model/attributes/year.ts'
import { childRows } from '../../functions/bridge/model/child-rows.ts'
import { defineEntity, type Entity, type EntityDefinition } from '../../functions/bridge/model/entity.ts'
import type {
  DeleteToWrite,
  ReadRows,
  UpsertToWrite,
  WrittenUpsert,
} from '../../functions/bridge/model/hooks.ts'
import { autoIncrement } from '../../functions/bridge/model/identity.ts'
import { sideFunction } from '../../functions/bridge/model/side-function.ts'
import { isTrue, type Same } from './same.ts'

const dish = {
  name: 'dish',
  plural: 'dishes',
  keyName: 'dishId',
  table: 'dishtable',
  identity: autoIncrement('id'),
  attributes: { title: text({ column: 'title', maxLength: 80 }) },
  example: { title: 'Soup' },
}

const smallest = defineEntity(dish)
isTrue<Same<typeof smallest, Entity>>()
isTrue<Same<Entity['versions'], 'counted' | 'stream'>>()
// What an author may leave out is there in what is made of it.
isTrue<Same<undefined extends EntityDefinition['children'] ? true : false, true>>()
isTrue<Same<undefined extends Entity['children'] ? true : false, false>>()
isTrue<Same<Entity['item']['keyAttribute'], string>>()

const steps = childRows({
  table: 'dish_steps',
  parentColumn: 'dish_id',
  positionColumn: 'position',
  attributes: { what: text({ column: 'what', maxLength: 80 }) },
})
defineEntity({ ...dish, versions: 'stream', children: { steps } })
defineEntity({ ...dish, item: { table: 'things' } })
defineEntity({ ...dish, item: { table: 'things', keyAttribute: 'pk', prefix: 'DISH#' } })
defineEntity({ ...dish, item: { table: 'things', type: { attribute: 'kind', value: 'dish' } } })
defineEntity({ ...dish, item: { table: 'things', keyType: 'N', sort: { attribute: 'sk', value: 'DISH' } } })
defineEntity({ ...dish, names: { version: 'rev' }, hidden: ['key', 'updatedAt'] })
defineEntity({ ...dish, paths: { modern: '/v2/dishes' }, envelope: { items: 'data' } })
defineEntity({ ...dish, envelope: 'none' })
isTrue<Same<Entity['names']['version'], string>>()
isTrue<Same<Entity['paths']['legacy'], string>>()
defineEntity({ ...dish, write: async ({ changes }) => void changes.map(({ legacyId }) => legacyId.length) })
defineEntity({
  ...dish,
  write: { instead: { upsert: async () => ({ a: 1n, b: '2' }), delete: async () => {} } },
})
defineEntity({ ...dish, read: async ({ rows }) => new Map(rows.map(({ key }) => [key, { title: key }])) })
defineEntity({
  ...dish,
  read: {
    get: async ({ rows }) => new Map(rows.map(({ key }) => [key, { title: key }])),
    list: async ({ rows }) => Object.fromEntries(rows.map(({ key }) => [key, {}])),
  },
})
defineEntity({ ...dish, read: { get: async () => ({}) } })
// What is made of either says how whole content is read.
isTrue<Same<NonNullable<Entity['read']>['get'], ReadRows>>()
isTrue<Same<NonNullable<Entity['read']>['list'], ReadRows | undefined>>()
// @ts-expect-error what lists show is no whole content
defineEntity({ ...dish, read: { list: async () => ({}) } })
// @ts-expect-error rows are got or listed
defineEntity({ ...dish, read: { get: async () => ({}), scan: async () => ({}) } })
// @ts-expect-error before there is a row nobody knows its id
isTrue<Same<UpsertToWrite['legacyId'], string>>()
isTrue<Same<UpsertToWrite['legacyId'], string | undefined>>()
isTrue<Same<WrittenUpsert['legacyId'] | DeleteToWrite['legacyId'], string>>()
// @ts-expect-error what is made has an id
defineEntity({ ...dish, write: { instead: { upsert: async () => ({ a: true }) } } })
// @ts-expect-error there is nothing between
defineEntity({ ...dish, write: { between: async () => {} } })
// @ts-expect-error rows are read by their keys
defineEntity({ ...dish, read: async () => [{ title: 'Soup' }] })
// @ts-expect-error no key is of another type
defineEntity({ ...dish, item: { table: 'things', keyType: 'B' } })
// @ts-expect-error a field is never hidden
defineEntity({ ...dish, hidden: ['title'] })
// @ts-expect-error there are two sides
defineEntity({ ...dish, paths: { aurora: '/dishes' } })
// @ts-expect-error a list has no other envelope
defineEntity({ ...dish, envelope: 'bare' })

// An entity may name itself, and one of several columns as many.
const tree: Entity = defineEntity({
  ...dish,
  put: 'create',
  attributes: {
    above: reference({ column: 'above_id', to: () => tree, optional: true }),
    link: reference({
      column: ['one_id', 'other_id'],
      to: { name: 'link', table: 'links', idColumn: 'one_id' },
    }),
  },
  example: { link: 'x' },
})
// @ts-expect-error a reference has a column
reference({ column: [], to: smallest })
// @ts-expect-error it is made, or it isn't
defineEntity({ ...dish, put: 'upsert' })

const { example, ...withoutExample } = dish
// @ts-expect-error an entity shows what a body looks like
defineEntity(withoutExample)
const { attributes, ...withoutAttributes } = dish
// @ts-expect-error an entity has attributes
defineEntity(withoutAttributes)
// @ts-expect-error a name is text
defineEntity({ ...dish, name: 7 })
// @ts-expect-error nobody else counts versions
defineEntity({ ...dish, versions: 'guessed' })
// @ts-expect-error a list of child rows is no attribute
defineEntity({ ...dish, attributes: { steps } })
// @ts-expect-error an attribute is no list of child rows
defineEntity({ ...dish, children: attributes })
// @ts-expect-error the layout of items names their table
defineEntity({ ...dish, item: { prefix: 'DISH#' } })
// @ts-expect-error what tells items apart is an attribute and its value
defineEntity({ ...dish, item: { table: 'things', type: { attribute: 'kind' } } })
// @ts-expect-error a word that it doesn't know, such as one of a typing error
defineEntity({ ...dish, child: { steps } })
// @ts-expect-error a text has a length
text({ column: 'title' })
// @ts-expect-error the column is the author's to say
text({ maxLength: 80 })

const column = 'c'
defineEntity({
  ...dish,
  attributes: {
    code: char({ column, length: 5, minLength: 0, charset: 'ascii', whenAbsent: '' }),
    story: text({ column, as: 'the story', maxLength: 80, minLength: 0, charset: 'utf8mb3', optional: true }),
    bytes: binary({ column, maxBytes: 10 }),
    fixed: fixedBinary({ column, length: 4 }),
    flags: bit({ column, length: 8, whenAbsent: 0n }),
    hot: boolean({ column, whenAbsent: false }),
    ratio: double({ column, whenAbsent: 0.5 }),
    share: float({ column, digits: { precision: 7, scale: 4 } }),
    note: text({ column, maxLength: 255, maxBytes: 255 }),
    made: year({ column, whenAbsent: 0 }),
    at: datetime({ column, precision: 6 }),
    seen: readOnly(timestamp({ column, precision: 3 })),
    took: time({ column }),
    tags: setOf({ column, values: ['vegan', 'hot'], whenAbsent: [] }),
    id: uuid({ column, kept: 'swapped' }),
  },
})
// @ts-expect-error MySQL has no such character set
text({ column, maxLength: 80, charset: 'utf8' })
// @ts-expect-error a CHAR has one length
char({ column, maxLength: 5 })
// @ts-expect-error a SET has at least one word
setOf({ column, values: [] })
// @ts-expect-error bits have a length
bit({ column })
// @ts-expect-error fixed digits are a precision and a scale
double({ column, digits: { scale: 2 } })
// @ts-expect-error a moment has no default of its own
timestamp({ column, whenAbsent: '2026-11-22T03:00:00Z' })
// @ts-expect-error nothing else is known of how a column keeps a UUID
uuid({ column, kept: 'CHAR(36)' })
// @ts-expect-error what is read only is an attribute
readOnly(steps)

// @ts-expect-error of any name there may be no attribute
smallest.attributes.title.column.trim()
// @ts-expect-error what was defined stays as it is
smallest.name = 'meal'
// @ts-expect-error and so do its attributes
smallest.attributes.title = dish.attributes.title
void example

// A side is served by a function that sideFunction has made, and by no more than its ARN and its manners.
const side = sideFunction({
  functionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:dishes',
  payload: '1.0',
})
defineEntity({ ...dish, mirror: {}, sides: { aurora: side, dynamo: side } })
// @ts-expect-error there are two sides
defineEntity({ ...dish, mirror: {}, sides: { mysql: side } })
// @ts-expect-error it is told by its ARN
sideFunction({ module: 'functions/legacy/dishes.js' })
// @ts-expect-error there are two payloads
sideFunction({ functionArn: 'arn', payload: '3.0' })
isTrue<Same<Entity['retired'], boolean>>()
