import { itemSize } from '../drivers/dynamo/item-size.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Bounds } from '../drivers/dynamo/patient-call.ts'
import { scanSegment } from '../drivers/dynamo/scan.ts'
import { addDigests, itemDigest, toHex } from '../jobs/checksum.ts'
import type { Tally } from '../jobs/jobs.ts'
import type { OpenedStep } from '../jobs/run-job.ts'
import { NOTHING } from '../jobs/segments.ts'
import { BulkWriter } from './bulk-writer.ts'
import type { CopyClients, CopyStep, CopyTables } from './copy-plan.ts'
import { UntilEmpty } from './until-empty.ts'

/**
 * Items of a page: with two pages of each segment in memory, eight segments at once stay small whatever the table is.
 * Large items end a page at 1 MB before.
 */
const PAGE_ITEMS = 1_000

/**
 * What a step reads and does. All reads are strongly consistent: a copy is to have what was written a moment ago, too,
 * and a check must see what was copied.
 */
export const openStep = (
  step: CopyStep,
  clients: CopyClients,
  { request, destination }: CopyTables,
  bounds: Bounds,
): OpenedStep => {
  const side = step === 'migrate' ? 'source' : 'destination'
  const scan: OpenedStep['scan'] = (of, start) =>
    scanSegment({
      ...bounds,
      ...of,
      client: clients[side],
      table: side === 'source' ? request.sourceTableName : request.destinationTableName,
      start,
      consistent: true,
      pageItems: PAGE_ITEMS,
      ...(step === 'cleanup' && { keysOnly: destination.key }),
    })
  const sum = (items: readonly Item[]) => sumUp(destination.followed ? items.map(withoutVersion) : items)
  if (step === 'verify') return { scan, page: async ({ items }) => sum(items) }

  const writer = new BulkWriter({
    ...bounds,
    client: clients.destination,
    table: request.destinationTableName,
    key: destination.key,
  })
  if (step === 'cleanup') {
    const untilEmpty = new UntilEmpty()
    return {
      scan: (of, start) => untilEmpty.scan((from) => scan(of, from), start),
      page: (page) =>
        untilEmpty.delete(page, async () => {
          const { written, refusals } = await writer.delete(page.items)
          const refused = refusals.length
          return { ...NOTHING, items: page.items.length, applied: written, refused, refusals }
        }),
    }
  }
  return {
    scan,
    page: async ({ items }) => {
      // The sum is worked out while DynamoDB is at the first batches.
      const [{ written, refusals }, tally] = await Promise.all([writer.put(items), sum(items)])
      return { ...tally, applied: written, refused: refusals.length, refusals }
    },
  }
}

/** Where a stream follows what is written, an item may be lifted before it is read again: that raises its version. */
const withoutVersion = ({ version: _, ...rest }: Item): Item => rest

/** What was read. @throws InvalidRecordError */
const sumUp = async (items: readonly Item[]): Promise<Tally> => {
  let digest = 0n
  let bytes = 0
  for (const item of items) {
    digest = addDigests(digest, itemDigest(item))
    bytes += itemSize(item)
  }
  return { ...NOTHING, items: items.length, bytes, checksum: toHex(digest) }
}
