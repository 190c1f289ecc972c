import { DescribeTableCommand, type DynamoDBClient, type TableDescription } from '@aws-sdk/client-dynamodb'
import { BridgeError } from '../../model/errors.ts'
import { DynamoError } from './errors.ts'
import type { KeyAttribute, KeySchema } from './key-schema.ts'
import { type Bounds, callPatiently } from './patient-call.ts'

/** What DynamoDB says of a table. */
export type TableFacts = {
  readonly name: string
  /** Region, account and name; two names may be one table, two tables never have one ARN. */
  readonly arn: string
  readonly id: string | undefined
  readonly status: string
  readonly restoring: boolean
  /** Regions in which a global table has its replicas. */
  readonly replicas: readonly string[]
  readonly key: KeySchema
  /** Whether it has a stream: somebody may act on what is written to it. */
  readonly followed: boolean
  /** Both are worked out about every six hours, and say nothing of a young table. */
  readonly items: number
  readonly bytes: number
}

/** There is no such table where it was looked for. */
export class MissingTableError extends BridgeError {
  override readonly name = 'MissingTableError'
  readonly code = 'table.missing'
  readonly kind = 'configuration'
  readonly table: string

  constructor(table: string, options?: ErrorOptions) {
    super(`There is no table ${table}`, options)
    this.table = table
  }
}

/** A table whose description lacks what every table has. */
export class UnknownTableError extends BridgeError {
  override readonly name = 'UnknownTableError'
  readonly code = 'table.unknown'
  readonly kind = 'configuration'
}

/** @throws MissingTableError, UnknownTableError, DynamoError, DeadlineError; the signal's reason */
export const describeTable = async (
  client: DynamoDBClient,
  table: string,
  bounds: Bounds,
): Promise<TableFacts> => {
  try {
    const { Table } = await callPatiently('DescribeTable', bounds, (options) =>
      client.send(new DescribeTableCommand({ TableName: table }), options),
    )
    return factsOf(table, Table ?? {})
  } catch (error) {
    if (error instanceof DynamoError && error.code === 'dynamodb.ResourceNotFoundException')
      throw new MissingTableError(table, { cause: error })
    throw error
  }
}

const factsOf = (asked: string, description: TableDescription): TableFacts => {
  const { TableName = asked, TableArn, TableId, TableStatus, RestoreSummary, Replicas = [] } = description
  const partition = keyAttribute(description, 'HASH')
  const sort = keyAttribute(description, 'RANGE')
  if (TableArn === undefined || TableStatus === undefined || partition === undefined)
    throw new UnknownTableError(`DynamoDB describes ${asked} without its ARN, status or key`)
  return {
    name: TableName,
    arn: TableArn,
    id: TableId,
    status: TableStatus,
    restoring: RestoreSummary?.RestoreInProgress === true,
    replicas: Replicas.flatMap(({ RegionName }) => (RegionName === undefined ? [] : [RegionName])),
    key: { partition, ...(sort !== undefined && { sort }) },
    followed: description.StreamSpecification?.StreamEnabled === true,
    items: description.ItemCount ?? 0,
    bytes: description.TableSizeBytes ?? 0,
  }
}

const keyAttribute = (
  { KeySchema = [], AttributeDefinitions = [] }: TableDescription,
  kind: 'HASH' | 'RANGE',
): KeyAttribute | undefined => {
  const name = KeySchema.find(({ KeyType }) => KeyType === kind)?.AttributeName
  const type = AttributeDefinitions.find(({ AttributeName }) => AttributeName === name)?.AttributeType
  return name !== undefined && (type === 'S' || type === 'N' || type === 'B') ? { name, type } : undefined
}
