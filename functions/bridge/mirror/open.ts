import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Kysely } from 'kysely'
import { AuroraSource } from '../aurora/aurora-source.ts'
import { ChangeLog } from '../aurora/change-log.ts'
import type { GuardedWriter } from '../aurora/guarded-writer.ts'
import { readOwners } from '../aurora/owners.ts'
import { DynamoRecords } from '../dynamo/dynamo-records.ts'
import { EntitySink } from '../dynamo/entity-sink.ts'
import { takeBack } from '../dynamo/take-back.ts'
import type { Entity } from '../model/entity.ts'
import { OutwardParking } from '../parking/outward-parking.ts'
import type { Tables } from '../runtime/tables.ts'
import type { Mirror } from '../sync/mirror.ts'
import type { RelayParts, TakeBack } from './relay.ts'

type Given = Omit<Mirror, 'source' | 'sink' | 'patience' | 'reclaim'> & {
  readonly db: Kysely<unknown>
  readonly writer: GuardedWriter
  readonly client: DynamoDBClient
  readonly tables: Tables
  /** All of them; those that are mirrored are carried over. */
  readonly entities: readonly Entity[]
  readonly inward: () => Mirror
  /** Whether whole pages are carried over, as a fill does it, rather than what a log tells of. @default false */
  readonly pages?: boolean | undefined
}

/** The entities that are mirrored. */
const mirroredOf = (entities: readonly Entity[]): readonly Entity[] =>
  entities.filter(({ mirror }) => mirror !== undefined)

/** The parts with which Aurora's rows are carried over to DynamoDB; whoever reads the log brings the marks. */
export const openRelay = ({
  db,
  writer,
  client,
  tables,
  entities: all,
  inward,
  pages = false,
  ended,
  ...parts
}: Given): Omit<RelayParts, 'marks'> => {
  const { deadline, log, parking } = parts
  const entities = mirroredOf(all)
  const names = entities.map(({ name }) => name)
  const source = new AuroraSource({ db, entities, catalogue: writer.catalogue, deadline })
  const items = new DynamoRecords({ client, tables, deadline })
  const takingBack: TakeBack = async (change) => {
    const entity = entities.find(({ name }) => name === change.entity)
    if (entity === undefined) return 'none'
    const taken = await takeBack({ client, tables, deadline }, entity, change)
    if (taken.is === 'none') return 'none'
    // Once more in any case: what is above the item by now is written over it.
    if (taken.is === 'taken' && taken.version >= change.version) await source.lift(change, taken.version)
    return 'again'
  }
  return {
    entities: names,
    recording: entities.filter(({ mirror }) => mirror?.plainSql === 'record').map(({ name }) => name),
    changes: new ChangeLog(db),
    source,
    outward: {
      ...parts,
      source,
      sink: new EntitySink({
        ...{ client, entities, tables, deadline },
        together: { of: pages ? 'pages' : 'births', log },
      }),
      parking: new OutwardParking(parking, names),
      patience: [],
    },
    inward,
    takeBack: takingBack,
    takenOver: async (name, key, move) => {
      const entity = entities.find((one) => one.name === name)
      const authority = entity && (await items.authority(entity, key))
      return authority === undefined || (authority.owner === 'dynamo' && authority.epoch >= move)
    },
    owned: () => readOwners(db),
    ended,
    log,
  }
}
