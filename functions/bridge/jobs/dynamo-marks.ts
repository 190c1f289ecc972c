import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { DynamoError } from '../drivers/dynamo/errors.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import { type OwnTable, updateExpression } from '../drivers/dynamo/own-table.ts'
import { callPatiently } from '../drivers/dynamo/patient-call.ts'
import type { ToldMark, ToldMarks } from '../model/store-mark.ts'
import type { DynamoMarkStore, NextMark } from '../ports/store-marks.ts'
import { ForeignJobItemError } from './job-items.ts'
import { jobsTable } from './job-settings.ts'

/** One item beside the jobs, which never expires: an attribute for each entity. */
const KEY: Item = { [jobsTable.partition]: { S: 'mirror' }, [jobsTable.sort]: { S: 'marks' } }

/** How the names of those attributes begin. */
const OF = 'of:'

/** What DynamoDB was told of Aurora's marks: an item of the table of jobs, changed by one conditional write. */
export class DynamoMarks implements DynamoMarkStore {
  readonly #own: OwnTable

  constructor(own: OwnTable) {
    this.#own = own
  }

  async read(): Promise<ToldMarks> {
    const { client, table: TableName, deadline } = this.#own
    const command = new GetItemCommand({ TableName, Key: KEY, ConsistentRead: true })
    const { Item } = await callPatiently('GetItem', { deadline }, (options) => client.send(command, options))
    return marksOf(Item)
  }

  async tell(marks: readonly Pick<NextMark, 'entity' | 'was' | 'next'>[]): Promise<ToldMarks | undefined> {
    const { client, table: TableName, deadline } = this.#own
    const command = new UpdateItemCommand({
      ...{ TableName, Key: KEY },
      UpdateExpression: updateExpression({ set: marks.map((_, at) => [`#of${at}`, `:next${at}`]) }),
      ConditionExpression: marks
        .map(({ was }, at) => (was === undefined ? `attribute_not_exists(#of${at})` : `#of${at} = :was${at}`))
        .join(' AND '),
      ExpressionAttributeNames: Object.fromEntries(marks.map(({ entity }, at) => [`#of${at}`, OF + entity])),
      ExpressionAttributeValues: Object.fromEntries(
        marks.flatMap(({ was, next }, at) => [
          [`:next${at}`, { S: written(next) }],
          ...(was === undefined ? [] : [[`:was${at}`, { S: written(was) }] as const]),
        ]),
      ),
    })
    try {
      await callPatiently('UpdateItem', { deadline }, (options) => client.send(command, options))
      return undefined
    } catch (error) {
      const cause = error instanceof DynamoError ? error.cause : undefined
      if (!(cause instanceof Error) || cause.name !== 'ConditionalCheckFailedException') throw error
      // A refusal that came behind a lost answer says nothing of what there is: it is read.
      return this.read()
    }
  }
}

const written = ({ mark, token }: ToldMark): string => `${mark} ${token}`

/** @throws ForeignJobItemError */
const marksOf = (item: Item = {}): ToldMarks =>
  new Map(
    Object.entries(item).flatMap(([name, value]) => {
      if (!name.startsWith(OF)) return []
      const [, mark, token] = /^(\d+) ([0-9a-f]+)$/.exec(value.S ?? '') ?? []
      if (mark === undefined || token === undefined)
        throw new ForeignJobItemError(`The item of the mirror's marks says ${name} in a form that is none`)
      return [[name.slice(OF.length), { mark: BigInt(mark), token }] as const]
    }),
  )
