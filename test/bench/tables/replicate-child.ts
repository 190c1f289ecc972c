import { BatchWriteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import * as z from 'zod'
import type { Item } from './items.ts'
import { type Order, order, type Report } from './protocol.ts'
import { clientOf } from './stage.ts'

/*
 * The process in which the stream's function runs, as its environment would run it: started by the benchmark, one order
 * after the other over IPC. Its settings are those of the deployed function, read from the environment.
 */

const { handler } = await import('../../../functions/operations/keep-tables.ts')
const { BARE_TABLE = '', AWS_ENDPOINT_URL_DYNAMODB = '' } = process.env

const client = clientOf(AWS_ENDPOINT_URL_DYNAMODB)
const context = { awsRequestId: 'bench', getRemainingTimeInMillis: () => 60_000 }
/** Batches of the limit in flight. */
const CONCURRENCY = 4

// A record of the benchmark's table has texts and numbers only, which the SDK has in the same form.
const image = z.record(z.string(), z.union([z.object({ S: z.string() }), z.object({ N: z.string() })]))
const event = z.object({ Records: z.array(z.object({ dynamodb: z.object({ NewImage: image }) })) })

const itemsOf = (text: string): readonly Item[] =>
  event.parse(JSON.parse(text)).Records.map(({ dynamodb }) => dynamodb.NewImage)

const ways: Readonly<Record<Order['way'], (text: string) => () => Promise<void>>> = {
  ours: (text) => async () => {
    const answer = await handler(JSON.parse(text), context)
    if (JSON.stringify(answer) !== '{"batchItemFailures":[]}') throw new Error(JSON.stringify(answer))
  },
  'one by one': (text) => {
    const items = itemsOf(text)
    return async () => {
      for (const Item of items) await client.send(new PutItemCommand({ TableName: BARE_TABLE, Item }))
    }
  },
  limit: (text) => {
    const items = itemsOf(text)
    return async () => {
      let next = 0
      const lane = async (): Promise<void> => {
        while (next < items.length) {
          const batch = items.slice(next, next + 25)
          next += 25
          await client.send(
            new BatchWriteItemCommand({
              RequestItems: { [BARE_TABLE]: batch.map((Item) => ({ PutRequest: { Item } })) },
            }),
          )
        }
      }
      await Promise.all(Array.from({ length: CONCURRENCY }, lane))
    }
  },
}

const run = async ({ way, events }: Order): Promise<Report> => {
  const prepared = events.map((text) => ways[way](text))
  const records = events.reduce((sum, text) => sum + itemsOf(text).length, 0)
  const start = performance.now()
  for (const invoke of prepared) await invoke()
  const ms = performance.now() - start
  return { records, ms, peakMemory: process.resourceUsage().maxRSS * 1024 }
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
