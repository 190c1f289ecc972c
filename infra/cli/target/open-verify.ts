import type { Kysely } from 'kysely'
import { entityReaders } from '../../../functions/bridge/dynamo/entity-reader.ts'
import { keysIn } from '../../../functions/bridge/undelivered/keys-in.ts'
import type { VerifyParts } from '../../../functions/bridge/verify/run.ts'
import { entities } from '../../../functions/entities/index.ts'
import type { Context } from '../conventions/command.ts'
import { openBackfill } from './open-backfill.ts'
import { openStreamLag } from './open-stream-lag.ts'
import { openUndelivered } from './open-undelivered.ts'

/**
 * What a command needs to compare all that both stores hold of an entity.
 *
 * @param direct reads the rows. @default the Data API does
 */
export const openVerify = (
  context: Pick<Context, 'target' | 'io' | 'debug'>,
  direct?: Kysely<unknown>,
): VerifyParts => {
  const { mirror, db, client, tables, jobs, database, deadline, lag } = openBackfill(context)
  const undelivered = openUndelivered(context.target)
  const stream = openStreamLag(context, 'BackSyncFunctionName')
  const readers = entityReaders(
    entities,
    Object.fromEntries(entities.map(({ item: { table } }) => [table, tables.of(table)])),
  )
  const known = new Map<string, Promise<ReadonlySet<string>>>()
  return {
    ...{ db: direct ?? db, client, tables, jobs, database, deadline },
    // What is on its way, whichever way, is no difference yet.
    lag: async () => Math.max(await lag(), (await stream())?.value ?? 0),
    log: mirror.log,
    parking: mirror.parking,
    // The batches are read once: they may be many megabytes.
    undelivered: ({ name }) => {
      const keys = known.get(name) ?? keysIn(undelivered, name, readers)
      known.set(name, keys)
      return keys
    },
  }
}
