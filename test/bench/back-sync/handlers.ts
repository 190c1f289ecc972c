import { channel } from 'node:diagnostics_channel'
import { ExecuteStatementCommand, RDSDataClient } from '@aws-sdk/client-rds-data'
import { type ChefRow, chefRow, toEvent, toMixedEvent } from './events.ts'
import { type Order, order, type Report } from './protocol.ts'

/*
 * The process in which the handlers run, as a function's environment would run them: started by the benchmark, one
 * order after the other over IPC. Its settings are those of the deployed function, read from the environment.
 */

const { handler } = await import('../../../functions/legacy/handler.ts')
const { STREAM_ARN = '', CLUSTER_ARN, SECRET_ARN, DATABASE_NAME } = process.env

const calls = { dataApi: 0, dynamoDb: 0 }
const dataApiPort = new URL(process.env.AWS_ENDPOINT_URL_RDS_DATA ?? '').port
channel('http.client.request.start').subscribe((message) => {
  if (typeof message !== 'object' || message === null || !('request' in message)) return
  const { request } = message
  const host = typeof request === 'object' && request !== null ? Reflect.get(request, 'getHeader') : undefined
  const header: unknown = typeof host === 'function' ? host.call(request, 'host') : undefined
  if (String(header).endsWith(`:${dataApiPort}`)) calls.dataApi += 1
  else calls.dynamoDb += 1
})

const client = new RDSDataClient({ maxAttempts: 1 })

/** The first design's statement: it knows inserts only, and neither keys nor versions. */
const insertOne = async ({ firstName, lastName }: ChefRow): Promise<void> => {
  await client.send(
    new ExecuteStatementCommand({
      resourceArn: CLUSTER_ARN,
      secretArn: SECRET_ARN,
      database: DATABASE_NAME,
      sql: 'INSERT INTO cheftable (cheffirst, cheflast) VALUES (:first, :last)',
      parameters: [
        { name: 'first', value: { stringValue: firstName } },
        { name: 'last', value: { stringValue: lastName } },
      ],
    }),
  )
}

const context = { awsRequestId: 'bench', getRemainingTimeInMillis: () => 60_000 }

const invocationsOf = ({ way, batch, from, count, version }: Order): (() => Promise<void>)[] =>
  Array.from({ length: Math.ceil(count / batch) }, (_, part) => {
    const size = Math.min(batch, count - part * batch)
    const rows = Array.from({ length: size }, (_, at) => chefRow(from + part * batch + at, version))
    if (way === 'original')
      return async () => {
        for (const row of rows) await insertOne(row)
      }
    const event = JSON.stringify((way === 'ours' ? toEvent : toMixedEvent)(rows, STREAM_ARN))
    return async () => {
      const answer = await handler(JSON.parse(event), context)
      if (JSON.stringify(answer) !== '{"batchItemFailures":[]}') throw new Error(JSON.stringify(answer))
    }
  })

const run = async (wanted: Order): Promise<Report> => {
  const invocations = invocationsOf(wanted)
  const before = { ...calls }
  const cpu = process.cpuUsage()
  const times: number[] = []
  const start = performance.now()
  for (const invoke of invocations) {
    const begun = performance.now()
    await invoke()
    times.push(performance.now() - begun)
  }
  const ms = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  return {
    id: wanted.id,
    ms,
    invocations: times,
    dataApiCalls: calls.dataApi - before.dataApi,
    dynamoDbCalls: calls.dynamoDb - before.dynamoDb,
    cpuSeconds: (user + system) / 1e6,
    peakMemory: process.resourceUsage().maxRSS * 1024,
  }
}

process.on('message', (message) => {
  run(order.parse(message)).then(
    (done) => process.send?.(done),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
      process.exit(1)
    },
  )
})
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })
