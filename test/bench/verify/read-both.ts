import { sql } from 'kysely'
import { openDatabase } from '../../../functions/bridge/aurora/open.ts'
import { openDynamo } from '../../../functions/bridge/drivers/dynamo/client.ts'
import { scanSegment } from '../../../functions/bridge/drivers/dynamo/scan.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { inLanes } from '../../../functions/bridge/runtime/lanes.ts'
import type { VerifyRequest } from '../../functions/bridge/verify/verify-process.ts'

/*
 * A process that reads all items and all rows of the chefs once, and does nothing with them: what a verification is measured by. It
 * tells how long either took.
 */

/** Rows of a page, and segments of a scan. */
const PAGE = 1_000
const SEGMENTS = 4

const request: VerifyRequest = JSON.parse(process.argv[2] ?? '')
const deadline = new Deadline()
const client = openDynamo()
const db = openDatabase(request.aurora, deadline)
const table = request.tables.chef ?? ''

const begun = performance.now()
await inLanes([...Array(SEGMENTS).keys()], SEGMENTS, async (segment) => {
  for await (const _ of scanSegment({ client, table, segment, segments: SEGMENTS, deadline }));
})
const scanned = performance.now()
for (let behind = 0; ; ) {
  const { rows } = await sql<{ readonly id: bigint }>`
    SELECT id, cheffirst, cheflast, backsync_key, backsync_version, backsync_owner FROM cheftable
    WHERE id > ${behind} ORDER BY id LIMIT ${sql.lit(PAGE)}`.execute(db)
  if (rows.length < PAGE) break
  behind = Number(rows.at(-1)?.id ?? behind)
}
const ended = performance.now()
console.log(
  JSON.stringify({
    ...{
      seconds: (ended - begun) / 1_000,
      items: (scanned - begun) / 1_000,
      rows: (ended - scanned) / 1_000,
    },
    cpu: process.cpuUsage().user / 1e6,
  }),
)
