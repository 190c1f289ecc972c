import { ExecuteStatementCommand, RDSDataClient } from '@aws-sdk/client-rds-data'
import * as z from 'zod'

/** What a stack that runs on this machine says of its database. */
const factsShape = z.object({
  endpoints: z.object({ rdsData: z.string() }),
  clusters: z.tuple(
    [z.object({ resourceArn: z.string(), secretArn: z.string(), database: z.string() })],
    z.unknown(),
  ),
})

/** A legacy program, which writes to its tables and knows nothing of a bridge. */
export class PlainSql {
  readonly #client: RDSDataClient
  readonly #at: { readonly resourceArn: string; readonly secretArn: string; readonly database: string }

  /** @param facts what `stack.json` says @throws Error where that names no database */
  constructor(facts: unknown) {
    const { endpoints, clusters } = factsShape.parse(facts)
    this.#client = new RDSDataClient({
      endpoint: endpoints.rdsData,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    })
    this.#at = clusters[0]
  }

  /** @returns the id of the row that it has made, where it has */
  async run(sql: string): Promise<string | undefined> {
    const { generatedFields } = await this.#send(sql)
    const id = generatedFields?.[0]?.longValue
    return id === undefined ? undefined : String(id)
  }

  /** Whether the table tells of what is written to it. */
  async isWatched(table: string): Promise<boolean> {
    const { records } = await this.#send(
      `SELECT 1 FROM information_schema.triggers WHERE event_object_schema = DATABASE() AND event_object_table = '${table}' AND trigger_name LIKE 'backsync%' LIMIT 1`,
    )
    return records?.length === 1
  }

  close(): void {
    this.#client.destroy()
  }

  #send(sql: string) {
    return this.#client.send(new ExecuteStatementCommand({ ...this.#at, sql }))
  }
}
