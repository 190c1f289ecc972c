import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Kysely } from 'kysely'
import { readLegacyId } from '../aurora/legacy-id.ts'
import { LambdaInvoker, openLambda } from '../drivers/lambda/invoker.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'
import type { SideParts } from './serve-by-sides.ts'
import { SideAnswers } from './side-answers.ts'
import { SideCaller } from './side-caller.ts'

type Given = {
  readonly db: Kysely<unknown>
  readonly client: DynamoDBClient
  /** Where first answers are kept. */
  readonly idempotencyTable: string
  readonly deadline: Deadline
  readonly log: Log
}

/** What serves the sides of entities by functions of the team's own. */
export const openSides = ({ db, client, idempotencyTable, deadline, log }: Given): SideParts | undefined => {
  let lambda: ReturnType<typeof openLambda> | undefined
  const caller = new LambdaInvoker(() => {
    lambda ??= openLambda()
    return lambda
  }, deadline)
  return {
    caller: new SideCaller({ caller, idOf: (entity, key) => readLegacyId(db, entity, key), log }),
    answers: new SideAnswers({ client, table: idempotencyTable, deadline }),
  }
}
