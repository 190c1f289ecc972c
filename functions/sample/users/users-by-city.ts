import { type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb'
import { call } from '../../bridge/drivers/dynamo/call.ts'
import type { Deadline } from '../../bridge/runtime/deadline.ts'
import { STAMP } from '../../bridge/tables/stamp.ts'
import { type Texts, textsOf } from './texts.ts'
import type { UserQuery } from './user-query.ts'

/** Some users, and the city of the last one where there may be more. */
export type UsersPage = { readonly items: readonly Texts[]; readonly next: string | undefined }

/** The users by state and city: a table that the stream of the users' own keeps, a moment behind it. */
export class UsersByCity {
  readonly #client: DynamoDBClient
  readonly #table: string
  readonly #deadline: Deadline

  constructor(client: DynamoDBClient, table: string, deadline: Deadline) {
    this.#client = client
    this.#table = table
    this.#deadline = deadline
  }

  /**
   * Lists users by their cities, in the order of these.
   *
   * @param after the city of the last one that was listed before
   * @throws DynamoError, DeadlineError
   */
  async list({ state, city }: UserQuery, limit: number, after?: string): Promise<UsersPage> {
    const key = { state: { S: state } }
    const command = new QueryCommand({
      TableName: this.#table,
      KeyConditionExpression: city === undefined ? '#state = :state' : '#state = :state AND #city = :city',
      ExpressionAttributeNames: { '#state': 'state', ...(city !== undefined && { '#city': 'city' }) },
      ExpressionAttributeValues: {
        ':state': key.state,
        ...(city !== undefined && { ':city': { S: city } }),
      },
      // One more tells whether there is a next page.
      Limit: limit + 1,
      ...(after !== undefined && { ExclusiveStartKey: { ...key, city: { S: after } } }),
    })
    const { Items = [], LastEvaluatedKey } = await call('Query', this.#deadline, (options) =>
      this.#client.send(command, options),
    )
    const shown = Items.slice(0, limit)
    return {
      items: shown.map((item) => textsOf(item, Object.values(STAMP))),
      next: Items.length > limit ? shown.at(-1)?.city?.S : LastEvaluatedKey?.city?.S,
    }
  }
}
