import { isDeepStrictEqual } from 'node:util'
import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { call } from '../drivers/dynamo/call.ts'
import type { Change } from '../model/change.ts'
import { ConfigurationError } from '../model/errors.ts'
import { decodeItem } from '../model/values.ts'
import { scanVersion, versionOf } from '../normalise/stream-record.ts'
import type { Source, Subject } from '../ports/source.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Tables } from '../runtime/tables.ts'
import { keyItem } from './keys.ts'
import { deleteOf, projectRow, upsertOf } from './project.ts'
import type { Projection } from './projection.ts'

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

  /**
   * An item that is gone needs nothing: the stream's record of that deletes what was made of it. Where that very delete is
   * asked about, it is given again, if the target's key can be told from the source's.
   */
  async current({ entity, key, version: known, op }: Subject, at: Date): Promise<readonly Change[]> {
    const projection = this.#parts.projections.find(({ name }) => name === entity)
    if (projection === undefined) throw new ConfigurationError([`there is no kept table ${entity}`])
    const row = await this.#read(projection, key)
    const projected = row && projectRow(projection, row)
    if (row === undefined && op === 'delete' && known !== undefined && hasSourceKey(projection))
      return [
        deleteOf(projection, key, { sourceKey: key, version: known, source: 'scan', at: at.toISOString() }),
      ]
    if (row === undefined || projected === undefined) return []
    const version =
      projection.from.versions === 'counted' ? versionOf(row) : (known ?? scanVersion(at.getTime()))
    const occasion = { sourceKey: key, version, source: 'scan', at: at.toISOString() }
    return [upsertOf(projection, projected, occasion)]
  }

  async #read({ from, name }: Projection, key: string) {
    const { client, tables, deadline } = this.#parts
    const command = new GetItemCommand({
      TableName: tables.of(from.name),
      Key: keyItem(from.key, key),
      ConsistentRead: true,
    })
    const { Item } = await call('GetItem', deadline, (options) => client.send(command, options))
    return Item && decodeItem(Item, name)
  }
}

/** Whether an item has the same key at both sides. */
const hasSourceKey = ({ key, from }: Projection): boolean => isDeepStrictEqual(key, from.key)
