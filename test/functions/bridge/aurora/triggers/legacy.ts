import type { RowDataPacket } from 'mysql2/promise'
import { text } from '../../../../../functions/bridge/model/attributes/text.ts'
import { defineEntity, type Entity } from '../../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../../functions/bridge/model/identity.ts'
import type { MirrorDefinition } from '../../../../../functions/bridge/model/mirror.ts'
import type { TestAurora } from '../../../../support/aurora.ts'

/** The chefs of the legacy application, mirrored. */
export const mirroredChef = (mirror: MirrorDefinition = {}): Entity =>
  defineEntity({
    name: 'chef',
    plural: 'chefs',
    keyName: 'chefId',
    table: 'cheftable',
    identity: autoIncrement('id'),
    attributes: {
      firstName: text({ column: 'cheffirst', maxLength: 255, optional: true }),
      lastName: text({ column: 'cheflast', maxLength: 255, optional: true }),
    },
    mirror,
    example: { firstName: 'Bobby', lastName: 'Flay' },
  })

/** What the log says, in its order: `upsert 1 v2`. */
export const readLog = async ({ legacy }: TestAurora): Promise<readonly string[]> => {
  const [rows] = await legacy.query<RowDataPacket[]>(
    'SELECT op, entity_key, version, owner, epoch FROM backsync_changes ORDER BY id',
  )
  return rows.map(({ op, entity_key: key, version }) => `${op} ${key} v${version}`)
}

/** The tombstones: `1 v2`, with whose they are where that is DynamoDB. */
export const readTombstones = async ({ legacy }: TestAurora): Promise<readonly string[]> => {
  const [rows] = await legacy.query<RowDataPacket[]>(
    'SELECT entity_key, version, owner FROM backsync_tombstones ORDER BY entity_key',
  )
  return rows.map(
    ({ entity_key: key, version, owner }) => `${key} v${version}${owner === 'dynamo' ? ' dynamo' : ''}`,
  )
}

export const readConflicts = async ({ legacy }: TestAurora): Promise<readonly string[]> => {
  const [rows] = await legacy.query<RowDataPacket[]>(
    'SELECT op, entity_key, version, content FROM backsync_conflicts ORDER BY id',
  )
  return rows.map(
    ({ op, entity_key: key, version, content }) => `${op} ${key} v${version} ${inOrder(content)}`,
  )
}

/** MySQL puts the names of an object in an order of its own. */
const inOrder = (text: string): string => {
  const content: Readonly<Record<string, unknown>> = JSON.parse(text)
  return JSON.stringify(Object.fromEntries(Object.entries(content).toSorted(([a], [b]) => (a < b ? -1 : 1))))
}

/** What a statement was refused with; undefined where it was not. */
export const refusalOf = async ({ legacy }: TestAurora, statement: string): Promise<string | undefined> => {
  try {
    await legacy.query(statement)
    return undefined
  } catch (error) {
    if (error instanceof Error) return error.message
    throw error
  }
}
