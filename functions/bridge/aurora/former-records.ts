import type { Kysely } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Change, Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import type { ItemHead } from '../ports/item-head.ts'
import { type Batch, toBatches } from './batch.ts'
import { Catalogue } from './catalogue.ts'
import { withKnownIds } from './known-ids.ts'
import { isBeside } from './record-names.ts'
import { enrol } from './side-statements.ts'
import type { Sql } from './statements.ts'
import {
  type RowBeside,
  selectAhead,
  selectSilent,
  takeRecords,
  takeRows,
  takeTombstones,
} from './take-statements.ts'

/** A row, by its key and version. */
export type RowVersion = { readonly key: string; readonly version: Version }

/** Rows and tombstones from before there were owners, which don't say whose their keys are. */
export class FormerRecords {
  readonly #db: Kysely<unknown>
  readonly #catalogue: Catalogue

  constructor(db: Kysely<unknown>) {
    this.#db = idempotently(db)
    this.#catalogue = new Catalogue(db)
  }

  /**
   * Says of keys that they are DynamoDB's, as long as nobody has said anything of all keys of the entity.
   *
   * @param items each key once
   * @returns how many records were taken, and the rows that are ahead of what was read of their items
   */
  async take(
    entity: Entity,
    items: readonly ItemHead[],
  ): Promise<{ readonly taken: number; readonly ahead: readonly RowVersion[] }> {
    const unchanged = await this.#catalogue.setOnUpdate(entity.table)
    let taken = 0
    const ahead: RowVersion[] = []
    for (const batch of batchesOf(entity, items)) {
      const { keys, lookup } = await withKnownIds(this.#db, batch)
      if (isBeside(entity)) await this.#run(enrol(entity, keys))
      taken += await this.#run(takeRows(entity, keys, lookup, { unchanged, which: 'all' }))
      if (isBeside(entity)) taken += await this.#run(takeRecords(entity, keys, 'all'))
      taken += await this.#run(takeTombstones(entity, keys))
      // No versions of two stores can be compared where the stream makes them.
      if (entity.versions === 'stream') continue
      const { rows } = await selectAhead(entity, keys, lookup).execute(this.#db)
      ahead.push(...rows.map(toRowVersion))
    }
    return { taken, ahead }
  }

  /**
   * Says the same of rows that an older release has made since, where that is proved: by now a row that says nothing may
   * well be Aurora's own.
   *
   * @returns how many rows were taken, and those that say nothing still
   */
  async takeProved(
    entity: Entity,
    items: readonly ItemHead[],
  ): Promise<{ readonly taken: number; readonly silent: readonly RowVersion[] }> {
    const unchanged = await this.#catalogue.setOnUpdate(entity.table)
    let taken = 0
    const silent: RowVersion[] = []
    for (const batch of batchesOf(entity, items)) {
      const { keys, lookup } = await withKnownIds(this.#db, batch)
      taken += await this.#run(takeRows(entity, keys, lookup, { unchanged, which: 'proved' }))
      if (isBeside(entity)) taken += await this.#run(takeRecords(entity, keys, 'proved'))
      const { rows } = await selectSilent(entity, keys, lookup).execute(this.#db)
      silent.push(...rows.map(toRowVersion))
    }
    return { taken, silent }
  }

  async #run(statement: Sql): Promise<number> {
    const { numAffectedRows } = await statement.execute(this.#db)
    return Number(numAffectedRows ?? 0n)
  }
}

/** No row has this time: what is compared with it is not proved. */
const NEVER = new Date(0).toISOString()

const batchesOf = (entity: Entity, items: readonly ItemHead[]): readonly Batch[] =>
  toBatches(
    entity,
    items.map(
      ({ key, version, at = NEVER }): Change => ({
        entity: entity.name,
        key,
        op: 'delete',
        version,
        source: 'takeover',
        at,
      }),
    ),
    'dynamo',
  )

const toRowVersion = ({ k, held }: RowBeside): RowVersion => ({ key: k, version: BigInt(held) })
