import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoCurrentItems } from '../dynamo/current-items.ts'
import { inOrderOfReference } from '../entity.ts'
import { ConfigurationError } from '../errors.ts'
import { DynamoParking } from '../parking/dynamo-parking.ts'
import type { SyncParts } from './parts.ts'

export type SyncConfig = {
  /** Table names in DynamoDB by their names in this project. */
  readonly TABLES?: Readonly<Record<string, string>> | undefined
  readonly PARKING_TABLE?: string | undefined
}

/**
 * The parts with which a function writes a stream's changes back. They are made at the first call, since the function
 * that serves the API from the same code has neither the tables nor the right to use them.
 *
 * @returns a function that throws ConfigurationError when a setting is missing
 */
export const openSync = (
  { TABLES, PARKING_TABLE }: SyncConfig,
  parts: Omit<SyncParts, 'parking' | 'items'>,
): (() => SyncParts) => {
  let opened: SyncParts | undefined
  return () => {
    if (opened !== undefined) return opened
    if (TABLES === undefined || PARKING_TABLE === undefined)
      throw new ConfigurationError(['TABLES and PARKING_TABLE are needed to write a stream back'])
    const client = new DynamoDBClient({ requestHandler: { connectionTimeout: 3_000 } })
    const { deadline } = parts
    opened = {
      ...parts,
      entities: inOrderOfReference(parts.entities),
      parking: new DynamoParking({ client, table: PARKING_TABLE, deadline }),
      items: new DynamoCurrentItems(client, TABLES, deadline),
    }
    return opened
  }
}
