import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { sql } from 'kysely'
import { readSelected, type SqlRow, selected } from '../../../../functions/bridge/aurora/selection.ts'
import { openDirect } from '../../../../functions/bridge/drivers/direct/open.ts'
import type { Row } from '../../../../functions/bridge/model/change.ts'
import { canonicalText } from '../../../../functions/bridge/model/values.ts'
import { startSecretsManager } from '../../../../infra/local/secrets-manager/server.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { createEveryKind, everyKind, kinds } from '../../fixtures/every-kind.ts'

/*
 * A row is read over the Data API, and over a direct connection by what scans a table. Each has types of its own for
 * numbers, bits and moments; what is selected must leave both of them nothing to choose.
 */
let aurora: TestAurora
let direct: ReturnType<typeof openDirect<unknown>>
let close: () => Promise<void>

beforeAll(async () => {
  aurora = await openTestAurora()
  await createEveryKind(aurora.legacy)
  const manager = await startSecretsManager({ store: aurora.secrets })
  const secretsClient = new SecretsManagerClient({
    endpoint: manager.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  const { host, port, database, secretArn } = aurora
  direct = openDirect<unknown>({ secretsClient, secretArn, host, port, database })
  close = async () => {
    await direct.close()
    secretsClient.destroy()
    await manager.close()
    await aurora.close()
  }
})
afterAll(() => close())

it.each(Object.entries(kinds))(
  'reads the same over both ways, whatever the column holds: %s',
  async (name, kind) => {
    const values = fc.sample(kind.held, { numRuns: 50, seed: 42 })
    await aurora.legacy.query('DELETE FROM every_kind')
    await aurora.legacy.query("SET time_zone = '+00:00'")
    await aurora.legacy.query(`INSERT INTO every_kind (\`${kind.attribute.column}\`) VALUES ?`, [
      values.map((value) => [value]),
    ])
    const query = sql<SqlRow>`SELECT ${sql.join(selected(everyKind))} FROM every_kind AS t ORDER BY t.id`
    const read = ({ rows }: { readonly rows: readonly SqlRow[] }): Row[] =>
      rows.map((row) => readSelected(everyKind, row))

    const [one, other] = [read(await query.execute(aurora.db)), read(await query.execute(direct.db))]

    expect(one.map(canonicalText)).toEqual(other.map(canonicalText))
    expect(one.map((row) => row[name])).not.toContain(null)
    expect(one).toHaveLength(values.length)
  },
)
