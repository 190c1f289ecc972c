import * as z from 'zod'
import type { Attribute } from './attributes/attribute.ts'
import type { Row } from './change.ts'
import type { Value } from './values.ts'

/** What an author of an entity says about it. */
export type EntityDefinition = {
  /** The singular name, in changes, logs and tombstones: `chef`. */
  readonly name: string
  /** The name in paths: `chefs`. */
  readonly plural: string
  /** The key's name in JSON and in the DynamoDB table: `chefId`. */
  readonly keyName: string
  /** The legacy table and its AUTO_INCREMENT column. */
  readonly table: string
  readonly idColumn: string
  readonly attributes: Readonly<Record<string, Attribute>>
  /** A valid body, for documentation and for commands to paste. */
  readonly example: Readonly<Record<string, unknown>>
}

/** A kind of thing kept in both stores. */
export type Entity = EntityDefinition & {
  /** What a client may send: exactly the attributes, each valid. */
  readonly body: z.ZodType<Row>
  /** What an item must hold; attributes that the entity doesn't know are left out. */
  readonly image: z.ZodType<Row>
}

const NAME = /^[a-z][A-Za-z0-9]*$/
const SQL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
/** Names that every entity has already, in JSON and in items. */
const RESERVED = new Set(['version', 'updatedAt', 'origin'])

/**
 * Completes and checks an entity's definition.
 *
 * @throws TypeError naming the fault, so that a wrong definition fails when it is loaded and not at its first write
 */
export const defineEntity = (definition: EntityDefinition): Entity => {
  const fail = (why: string): never => {
    throw new TypeError(`Entity ${definition.name}: ${why}`)
  }
  for (const name of [definition.name, definition.plural, definition.keyName])
    if (!NAME.test(name)) fail(`"${name}" is not a lower camel case name`)
  for (const name of [definition.table, definition.idColumn])
    if (!SQL_NAME.test(name)) fail(`"${name}" is not a plain SQL name`)
  const attributes = Object.entries(definition.attributes)
  if (attributes.length === 0) fail('has no attributes')
  for (const [name, { column }] of attributes) {
    if (!NAME.test(name)) fail(`"${name}" is not a lower camel case name`)
    if (RESERVED.has(name) || name === definition.keyName) fail(`"${name}" is reserved`)
    if (!SQL_NAME.test(column) || column.startsWith('backsync_')) fail(`"${column}" can't be its column`)
  }
  if (new Set(attributes.map(([, { column }]) => column)).size !== attributes.length)
    fail('two attributes share a column')
  const shape = (of: 'body' | 'image'): Record<string, z.ZodType<Value>> =>
    Object.fromEntries(attributes.map(([name, attribute]) => [name, attribute[of]]))
  const entity = { ...definition, body: z.strictObject(shape('body')), image: z.object(shape('image')) }
  const example = entity.body.safeParse(definition.example)
  if (!example.success) fail(`its example is not valid: ${z.prettifyError(example.error)}`)
  return entity
}
