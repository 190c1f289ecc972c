import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  type DynamoDBClient,
  type TableDescription,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb'
import * as z from 'zod'
import { nameOf } from '../../../errors/thrown.ts'
import type { ExpiringTable } from '../../dynamodb/expiry.ts'
import { TemplateError } from '../errors.ts'
import { boolean, readProperties } from '../properties.ts'
import type { TemplateScope } from '../scope.ts'

const keySchema = z.array(z.object({ AttributeName: z.string(), KeyType: z.enum(['HASH', 'RANGE']) }))
const projection = z.object({
  ProjectionType: z.enum(['ALL', 'KEYS_ONLY', 'INCLUDE']),
  NonKeyAttributes: z.array(z.string()).optional(),
})
const index = z.object({ IndexName: z.string(), KeySchema: keySchema, Projection: projection })
const schema = z.object({
  AttributeDefinitions: z.array(
    z.object({ AttributeName: z.string(), AttributeType: z.enum(['S', 'N', 'B']) }),
  ),
  KeySchema: keySchema,
  GlobalSecondaryIndexes: z.array(index).optional(),
  LocalSecondaryIndexes: z.array(index).optional(),
  StreamSpecification: z
    .object({
      StreamViewType: z.enum(['NEW_IMAGE', 'OLD_IMAGE', 'NEW_AND_OLD_IMAGES', 'KEYS_ONLY']),
      StreamEnabled: boolean.optional(),
    })
    .optional(),
  TimeToLiveSpecification: z.object({ AttributeName: z.string().optional(), Enabled: boolean }).optional(),
})

/** A table that runs. */
export type StartedTable = {
  readonly logicalId: string
  readonly name: string
  readonly streamArn?: string
  /** Where its items say when they are to go. */
  readonly expiring?: ExpiringTable
}

/** How long a table may take until it is active, milliseconds. */
const ACTIVE_MS = 30_000

/**
 * Creates the stack's tables where they are missing, on demand whatever the template pays for, and publishes their
 * ARNs.
 *
 * @throws TemplateError when a table exists with other keys: its data belong to another version of the stack
 */
export const startTables = (scope: TemplateScope, client: DynamoDBClient): Promise<StartedTable[]> =>
  Promise.all(
    scope.resources('AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable').map(async ([logicalId]) => {
      const path = `Resources.${logicalId}`
      const properties = readProperties(scope, logicalId, schema)
      const name = String(scope.ref(logicalId, path))
      const description = await ensureTable(client, path, {
        TableName: name,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: properties.AttributeDefinitions,
        KeySchema: properties.KeySchema,
        GlobalSecondaryIndexes: properties.GlobalSecondaryIndexes,
        LocalSecondaryIndexes: properties.LocalSecondaryIndexes,
        ...(properties.StreamSpecification && {
          StreamSpecification: {
            StreamEnabled: true,
            StreamViewType: properties.StreamSpecification.StreamViewType,
          },
        }),
      })
      const streamArn = description.LatestStreamArn
      scope.publish(logicalId, {
        Arn: description.TableArn ?? name,
        ...(description.TableId !== undefined && { TableId: description.TableId }),
        ...(streamArn !== undefined && { StreamArn: streamArn }),
      })
      const { AttributeName: attribute, Enabled = false } = properties.TimeToLiveSpecification ?? {}
      const keys = properties.KeySchema.map(({ AttributeName }) => AttributeName)
      return {
        ...{ logicalId, name },
        ...(streamArn !== undefined && { streamArn }),
        ...(Enabled && attribute !== undefined && { expiring: { name, keys, attribute } }),
      }
    }),
  )

const ensureTable = async (
  client: DynamoDBClient,
  path: string,
  input: CreateTableCommandInput,
): Promise<TableDescription> => {
  const existing = await describe(client, input.TableName)
  if (!existing) await client.send(new CreateTableCommand(input))
  else if (keysOf(existing.KeySchema) !== keysOf(input.KeySchema)) {
    const message = `table ${input.TableName} exists with the keys ${keysOf(existing.KeySchema)} instead of ${keysOf(input.KeySchema)}; start with --fresh`
    throw new TemplateError('template.unsupported', path, message)
  } else if (input.StreamSpecification && existing.StreamSpecification?.StreamEnabled !== true) {
    const { TableName, StreamSpecification } = input
    await client.send(new UpdateTableCommand({ TableName, StreamSpecification }))
  }
  const deadline = Date.now() + ACTIVE_MS
  for (;;) {
    const description = await describe(client, input.TableName)
    if (
      description?.TableStatus === 'ACTIVE' &&
      (!input.StreamSpecification || description.LatestStreamArn)
    ) {
      return description
    }
    if (Date.now() > deadline) {
      throw new TemplateError(
        'template.unsupported',
        path,
        `table ${input.TableName} is not active after 30 s`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const describe = async (
  client: DynamoDBClient,
  name: string | undefined,
): Promise<TableDescription | undefined> => {
  try {
    return (await client.send(new DescribeTableCommand({ TableName: name }))).Table
  } catch (error) {
    if (nameOf(error) === 'ResourceNotFoundException') return undefined
    throw error
  }
}

const keysOf = (keys: TableDescription['KeySchema']): string =>
  (keys ?? []).map((key) => `${key.KeyType} ${key.AttributeName}`).join(', ')
