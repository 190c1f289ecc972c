import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { DynamoError } from '../drivers/dynamo/errors.ts'
import type { Change } from '../model/change.ts'
import { ConfigurationError, InvalidRecordError } from '../model/errors.ts'
import { decodeItem } from '../model/values.ts'
import { versionOf } from '../normalise/stream-record.ts'
import type { ParkedHead } from '../ports/parked.ts'
import type { Source } from '../ports/sink.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Tables } from '../runtime/tables.ts'
import { keyItem } from './keys.ts'
import { projectRow, upsertOf } from './project.ts'
import type { Projection } from './projection.ts'
import { scanVersion } from './scanned.ts'

/** The longest a read may take, in milliseconds; the SDK's repeats count as one. */
const CALL_LIMIT = 10_000

export type TableSourceParts = {
  readonly client: DynamoDBClient
  readonly projections: readonly Projection[]
  /** Table names in DynamoDB by their names in this project. */
  readonly tables: Tables
  readonly deadline: Deadline
}

/** The tables that others are kept by, as where changes come from. */
export class TableSource implements Source {
  readonly #parts: TableSourceParts

  constructor(parts: TableSourceParts) {
    this.#parts = parts
  }

  /** An item that is gone needs nothing: the stream's record of that deletes what was made of it. */
  async current(head: ParkedHead, at: Date): Promise<readonly Change[]> {
    const projection = this.#parts.projections.find(({ name }) => name === head.entity)
    if (projection === undefined) throw new ConfigurationError([`there is no kept table ${head.entity}`])
    if (head.key.startsWith('?') && head.version === undefined)
      throw new InvalidRecordError('The record names no key: repair the item, then it comes by itself')
    const row = await this.#read(projection, head.key)
    const projected = row && projectRow(projection, row)
    if (row === undefined || projected === undefined) return []
    const version =
      projection.from.versions === 'counted' ? versionOf(row) : (head.version ?? scanVersion(at.getTime()))
    return [
      upsertOf(projection, projected, {
        sourceKey: head.key,
        version,
        source: 'scan',
        at: at.toISOString(),
      }),
    ]
  }

  async #read({ from, name }: Projection, key: string) {
    const { client, tables, deadline } = this.#parts
    const table = tables.of(from.name)
    deadline.require(50, 'GetItem')
    const command = new GetItemCommand({
      TableName: table,
      Key: keyItem(from.key, key),
      ConsistentRead: true,
    })
    const abortSignal = deadline.signal(CALL_LIMIT)
    const { Item } = await client.send(command, { abortSignal }).catch((cause: unknown) => {
      throw new DynamoError('GetItem', cause)
    })
    return Item && decodeItem(Item, name)
  }
}
