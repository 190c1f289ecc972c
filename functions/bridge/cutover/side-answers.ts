import { randomUUID } from 'node:crypto'
import { PutItemCommand, type PutItemCommandInput } from '@aws-sdk/client-dynamodb'
import { DynamoError } from '../drivers/dynamo/errors.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import type { OwnTable } from '../drivers/dynamo/own-table.ts'
import { callPatiently } from '../drivers/dynamo/patient-call.ts'
import { recordOf } from '../dynamo/create-once.ts'
import { recordTable } from '../dynamo/idempotency-table.ts'
import { Problem } from '../http/problem.ts'
import { KEPT_FOR, keyReused, type Once, type OnceAnswer, stillInProgress } from '../ports/once.ts'

/** Nobody is at work on a request for longer, in milliseconds: the API waits for 29 seconds. */
const AT_WORK = 60_000

/** What a request has come to: an answer to keep, or one that the next time may be another. */
export type SideAnswer = { readonly text: string; readonly isKept: boolean }

/**
 * The first answers of functions that serve sides, in the table in which the modern side keeps its own: no function shares a
 * transaction with them. A request is noted before the function is called. One whose end nobody knows is not made again.
 */
export class SideAnswers {
  readonly #own: OwnTable

  constructor(own: OwnTable) {
    this.#own = own
  }

  /**
   * @param at milliseconds since 1970
   * @param work does the request; what it throws may be tried again, but for a Problem of status 502
   * @throws KeyReusedError, InProgressError; Problem 503 where nobody knows what became of it; what work throws
   */
  async once(once: Once, key: string, at: number, work: () => Promise<SideAnswer>): Promise<OnceAnswer> {
    const token = randomUUID()
    const base: Item = {
      [recordTable.partition]: { S: once.id },
      fingerprint: { S: once.fingerprint },
      key: { S: key },
      pending: { S: token },
    }
    const until = { [recordTable.expiry]: { N: String(Math.ceil((at + KEPT_FOR) / 1000)) } }
    if (!(await this.#put({ ...base, ...until, since: { N: String(at) } }, undefined, at))) {
      const item = await this.#read(once.id)
      // The answer to the note was lost, and the note was not.
      if (item?.pending?.S !== token) return recalled(item, once, at)
    }
    const free = () => this.#put({ ...base, [recordTable.expiry]: { N: '0' } }, token, at)
    try {
      const { text, isKept } = await work()
      if (isKept) await this.#put({ ...base, ...until, answer: { S: text } }, token, at)
      else await free()
      return { answer: text, replayed: false }
    } catch (error) {
      // It may have been done.
      if (!(error instanceof Problem && error.status === 502)) await free()
      throw error
    }
  }

  async #read(id: string): Promise<Item | undefined> {
    const { client, table, deadline } = this.#own
    const found = await callPatiently('GetItem', { deadline }, (options) =>
      client.send(recordOf(table, id), options),
    )
    return found.Item
  }

  /** @param token whose record it is; absent: nobody's, or one that is over. @returns whether it was so */
  async #put(item: Item, token: string | undefined, at: number): Promise<boolean> {
    const { client, table: TableName, deadline } = this.#own
    const command = new PutItemCommand({
      ...{ TableName, Item: item },
      ...(token === undefined ? freeAt(at) : heldBy(token)),
    })
    try {
      await callPatiently('PutItem', { deadline }, (options) => client.send(command, options))
      return true
    } catch (error) {
      const cause = error instanceof DynamoError ? error.cause : undefined
      if (cause instanceof Error && cause.name === 'ConditionalCheckFailedException') return false
      throw error
    }
  }
}

type Condition = Pick<
  PutItemCommandInput,
  'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>

const freeAt = (at: number): Condition => ({
  ConditionExpression: 'attribute_not_exists(#id) OR #expires <= :now',
  ExpressionAttributeNames: { '#id': recordTable.partition, '#expires': recordTable.expiry },
  ExpressionAttributeValues: { ':now': { N: String(Math.floor(at / 1000)) } },
})

const heldBy = (token: string): Condition => ({
  ConditionExpression: '#pending = :token',
  ExpressionAttributeNames: { '#pending': 'pending' },
  ExpressionAttributeValues: { ':token': { S: token } },
})

const recalled = (item: Item | undefined, { fingerprint }: Once, at: number): OnceAnswer => {
  // It has been given free meanwhile.
  if (item?.fingerprint?.S === undefined) throw stillInProgress()
  if (item.fingerprint.S !== fingerprint) throw keyReused()
  if (item.answer?.S !== undefined) return { answer: item.answer.S, replayed: true }
  if (at - Number(item.since?.N ?? at) < AT_WORK) throw stillInProgress()
  throw new Problem(
    503,
    'outcome-unknown',
    'Whether the first request with this Idempotency-Key was done is not known: it is not done again. Read it.',
  )
}
