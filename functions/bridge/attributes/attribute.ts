import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type * as z from 'zod'
import type { Value } from '../values.ts'

/**
 * How one attribute of an entity looks in each place it passes through: JSON at the API, a DynamoDB attribute value,
 * a column.
 */
export interface Attribute {
  /** The legacy table's column. */
  readonly column: string
  /** What a client must send; the messages are meant for it. */
  readonly body: z.ZodType<Value>
  /** What an item may hold: all that the column can, because another writer's item must not be lost to a rule of the API. */
  readonly image: z.ZodType<Value>
  /**
   * The type of this attribute's column in a JSON_TABLE: text, a little wider than the real column, so that the
   * strict INSERT complains about a value that doesn't fit. MariaDB's JSON_TABLE itself only truncates.
   */
  readonly jsonTableType: string
  /** The text that travels in the JSON document; null becomes NULL. */
  toSql(value: Value): string | null
  /** The value of a column as the Data API gave it. */
  fromSql(value: unknown): Value
  toItem(value: Value): AttributeValue
}
