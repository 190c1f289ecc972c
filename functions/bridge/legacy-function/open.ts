import type { Kysely } from 'kysely'
import { LambdaInvoker, openLambda } from '../drivers/lambda/invoker.ts'
import type { EntityWriter } from '../ports/entity-writer.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics.ts'
import { CallingWriter } from './calling-writer.ts'

type Given = {
  /** What functions are called by, by the names of the entities that they write. @default as definitions say */
  readonly functions?: Readonly<Record<string, string>> | undefined
  readonly deadline: Deadline
  readonly metrics: Pick<Metrics, 'count'>
  readonly log: Log
}

/** What makes the writer of entities whose writes functions make, as `openAurora` takes it. */
export const openCalling =
  ({ functions = {}, ...parts }: Given) =>
  (db: Kysely<unknown>): EntityWriter => {
    let client: ReturnType<typeof openLambda> | undefined
    const caller = new LambdaInvoker(() => {
      client ??= openLambda()
      return client
    }, parts.deadline)
    return new CallingWriter({ ...parts, db, caller, functions })
  }
