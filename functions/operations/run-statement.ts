import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { sql } from 'kysely'
import { openDirect } from '../bridge/drivers/direct/open.ts'
import { type RunAnswer, runEvent } from '../bridge/drivers/lambda/statement-runner.ts'
import { SqlError } from '../bridge/drivers/sql-errors.ts'
import { readConfig, settings } from '../bridge/runtime/config.ts'
import { Deadline, type InvocationContext } from '../bridge/runtime/deadline.ts'
import { LambdaLog } from '../bridge/runtime/log.ts'

const config = readConfig(settings.aurora, process.env)
const deadline = new Deadline()
const log = new LambdaLog('run-statement')
/** As long as an invocation may take: what it has is the bound. */
const LONGEST = 900_000
/** Host and port are in the secret, where RDS has put them. */
const { db } = openDirect({
  secretsClient: new SecretsManagerClient({}),
  secretArn: config.SECRET_ARN,
  database: config.DATABASE_NAME,
  poolSize: 1,
  statementTimeout: LONGEST,
  deadline,
})

/**
 * Runs one statement of a migration on the database itself, which the Data API can't prepare: triggers, routines. Whoever has a
 * migration to apply calls it; where it ends with an error, nobody knows what became of the statement.
 */
export const handler = async (event: unknown, context: InvocationContext): Promise<RunAnswer> => {
  deadline.begin(context)
  log.begin(context.awsRequestId)
  const { sql: text } = runEvent.parse(event)
  try {
    await sql.raw(text).execute(db)
    return { done: true }
  } catch (error) {
    if (!(error instanceof SqlError && error.errno !== undefined && error.wasRefusedByServer)) throw error
    const { errno, sqlState, cause } = error
    log.info('the server refused a statement', { errno, sqlState })
    return { refused: { errno, sqlState, text: cause instanceof Error ? cause.message : '' } }
  }
}
