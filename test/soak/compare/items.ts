import {
  type AttributeValue,
  type DynamoDBClient,
  ScanCommand,
  type ScanCommandOutput,
} from '@aws-sdk/client-dynamodb'
import type { SoakEntity } from '../ground.ts'
import { canonicalAttribute, canonicalNumber } from './canonical.ts'
import type { Row, Snapshot } from './snapshot.ts'

type Item = Readonly<Record<string, AttributeValue>>

const KEYS = { chef: 'chefId', recipe: 'recipeId' } as const

/** Reads a whole table, strongly consistent, into what its rows in Aurora must look like. */
export const readItems = async (
  client: DynamoDBClient,
  table: string,
  entity: SoakEntity,
): Promise<Snapshot> => {
  const rows = new Map<string, Row>()
  let from: Record<string, AttributeValue> | undefined
  do {
    const page: ScanCommandOutput = await client.send(
      new ScanCommand({ TableName: table, ConsistentRead: true, ExclusiveStartKey: from }),
    )
    // What is left of a deleted one is none.
    for (const item of page.Items ?? [])
      if (item.backsync_deleted === undefined) rows.set(item[KEYS[entity]]?.S ?? '', rowOf[entity](item))
    from = page.LastEvaluatedKey
  } while (from !== undefined)
  return rows
}

/** What the mapping of the entity says, written down once more. */
const rowOf: Readonly<Record<SoakEntity, (item: Item) => Row>> = {
  chef: (item) => ({ ...common(item), firstName: text(item.firstName), lastName: text(item.lastName) }),
  recipe: (item) => ({
    ...common(item),
    chefId: text(item.chefId),
    title: text(item.title),
    price: number(item.price),
    publishedOn: text(item.publishedOn),
    // A missing one is what the column's DEFAULT says.
    vegetarian: String(Number(item.vegetarian?.BOOL ?? false)),
    servings: number(item.servings) ?? '4',
    difficulty: text(item.difficulty),
    notes: isNull(item.notes) ? null : canonicalAttribute(item.notes),
    thumbnail: item.thumbnail?.B === undefined ? null : Buffer.from(item.thumbnail.B).toString('hex'),
    ingredients: JSON.stringify(
      (item.ingredients?.L ?? []).map(({ M: member = {} }, at) => [
        at + 1,
        text(member.name),
        number(member.quantity),
        text(member.unit),
      ]),
    ),
  }),
}

const common = (item: Item): Row => ({ version: number(item.version), updatedAt: time(item.updatedAt) })

/** A time that the column can't hold is replaced by the record's own, which nobody can predict: it is not compared. */
const time = (attribute: AttributeValue | undefined): string | null => {
  const written = attribute?.S ?? ''
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(written) ? Date.parse(written) : Number.NaN
  return at >= 1000 && at < 2 ** 31 * 1000 ? new Date(at).toISOString() : null
}

const isNull = (attribute: AttributeValue | undefined): boolean =>
  attribute === undefined || attribute.NULL === true
const text = (attribute: AttributeValue | undefined): string | null => attribute?.S ?? null
const number = (attribute: AttributeValue | undefined): string | null =>
  attribute?.N === undefined ? null : canonicalNumber(attribute.N)
