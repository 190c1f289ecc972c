import { isTaken } from '../drivers/sql-errors.ts'
import { type Change, holdsAll } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { ConfigurationError, UnreadableAttributesError } from '../model/errors.ts'
import type { Overruled, PartialOutcome } from '../model/outcome.ts'
import { inOrderOfReference, isInCircle, parentsOf, referencesOf } from '../model/references.ts'
import type { References, Sink } from '../ports/sink.ts'
import { RowTooLargeError } from '../ports/store.ts'
import type { Stored } from '../ports/stored.ts'
import { inLanes } from '../runtime/lanes.ts'
import type { AuroraStore } from './aurora-store.ts'
import type { ReferringColumns } from './delete-statements.ts'
import type { GuardedWriter } from './guarded-writer.ts'
import { ownColumns } from './row-key.ts'
import { untangle } from './untangle.ts'

/** Rows that are read at once. */
const LANES = 4

/** Aurora as what takes the changes of entities. */
export class AuroraSink implements Sink {
  readonly names: readonly string[]
  readonly references: References = {
    // One call for all of them, and none when there is no delete.
    blocked: async (name, deletes) =>
      deletes.length === 0
        ? new Set()
        : this.#writer.referenced(this.#entity(name), deletes, await this.#blocking(this.#entity(name))),
    // What a function writes can't be written together with anything else.
    untangle: (refused) =>
      untangle(
        this.#entities.filter(({ legacyFunction }) => legacyFunction === undefined),
        refused,
        { writer: this.#writer, keptBy: (entity) => this.#blocking(entity) },
      ),
    // A taken value is free as soon as its holder changes; a row that is referred to, as soon as whoever refers to it does.
    waitsFor: (change, error) =>
      isTaken(error)
        ? [{ entity: change.entity }]
        : change.op === 'delete'
          ? this.#entities
              .filter((other) => referencesOf(other).includes(change.entity))
              .map(({ name }) => ({ entity: name }))
          : parentsOf(this.#entity(change.entity), change),
    isCircular: (name) => isInCircle(this.#entity(name), this.#entities),
    // Any of its own kind may hold what another one needs.
    howWaitedFor: (name) =>
      this.#entities.some((other) => referencesOf(other).includes(name)) ? 'key' : 'any',
  }
  readonly #entities: readonly Entity[]
  readonly #writer: GuardedWriter
  readonly #store: AuroraStore

  constructor(
    entities: readonly Entity[],
    { writer, store }: { readonly writer: GuardedWriter; readonly store: AuroraStore },
  ) {
    this.#entities = inOrderOfReference(entities)
    this.names = this.#entities.map(({ name }) => name)
    this.#writer = writer
    this.#store = store
  }

  async applyIsolating(name: string, changes: readonly Change[]): Promise<PartialOutcome> {
    const entity = this.#entity(name)
    const keptBy = changes.some(({ op }) => op === 'delete') ? await this.#blocking(entity) : []
    const outcome = await this.#writer.applyIsolating(entity, changes, keptBy)
    if (outcome.overruled.length === 0) return outcome
    const looked = await inLanes(outcome.overruled, LANES, (one) => this.#lookAt(entity, one))
    return { ...outcome, overruled: looked.filter((one) => one !== undefined) }
  }

  async unheld(name: string, changes: readonly Change[]): Promise<ReadonlySet<Change>> {
    const entity = this.#entity(name)
    const unheld = await this.#writer.unheld(entity, changes)
    const looked = await inLanes([...unheld], LANES, async (change) => {
      const stored = await this.#read(entity, change.key)
      const isHeld =
        change.op === 'upsert' && stored?.version === change.version && holdsAll(stored.row, change.row)
      return isHeld ? undefined : change
    })
    return new Set(looked.filter((change) => change !== undefined))
  }

  /**
   * The statement that asks what is held compares bytes, and takes two forms of one value for different. So the few that
   * are left at the very version of their change are read, and compared as the API would show them.
   *
   * @returns undefined for a change that the store holds
   */
  async #lookAt(entity: Entity, one: Overruled): Promise<Overruled | undefined> {
    const { change, held, ofSameWrite = false } = one
    const row = async () => (await this.#read(entity, change.key))?.row
    if (change.op === 'delete' || held.op === 'delete' || held.version !== change.version)
      return { ...one, held: { ...held, row } }
    // What a hook or a function has made of a row, or a trigger of this very write, can't be told from another one's
    // content; but where the source itself says that it held other content at this version.
    const isOwn = entity.write !== undefined || entity.legacyFunction !== undefined
    const mayBeMade = isOwn || (ofSameWrite && (await this.#hasTriggers(entity)))
    if (change.restates !== true && mayBeMade) return undefined
    const content = await row()
    return content !== undefined && holdsAll(content, change.row)
      ? undefined
      : { ...one, held: { ...held, row: async () => content } }
  }

  /** Whether triggers may change what is written of an entity. */
  async #hasTriggers({ table, children }: Entity): Promise<boolean> {
    const tables = [table, ...Object.values(children).map((list) => list.table)]
    return (await Promise.all(tables.map((name) => this.#writer.catalogue.hasTriggers(name)))).includes(true)
  }

  /** What is there; undefined also for a row that can't be read: it is no proof of anything. */
  async #read(entity: Entity, key: string): Promise<Stored | undefined> {
    try {
      return await this.#store.get(entity, key)
    } catch (error) {
      if (error instanceof UnreadableAttributesError || error instanceof RowTooLargeError) return undefined
      throw error
    }
  }

  async isLater(change: Change): Promise<boolean> {
    const stored = await this.#store.head(this.#entity(change.entity), change.key)
    return stored === undefined ? change.op === 'upsert' : stored.version > change.version
  }

  /**
   * The columns whose rows forbid that a row of an entity is deleted: those of other entities and of their lists, whatever
   * the foreign key would have become of them, since their items stay and nothing would tell of the rows; and those of tables
   * that are no entity's, unless the foreign key itself says what becomes of them.
   */
  async #blocking(entity: Entity): Promise<readonly ReferringColumns[]> {
    const own = this.#entities.flatMap((other) =>
      Object.values(other.attributes).flatMap(({ references }): ReferringColumns[] => {
        if (references?.entity !== entity.name) return []
        const to = ownColumns(entity)
        const columns = references.columns.map((column, at) => ({ column, to: to[at] ?? entity.idColumn }))
        return [{ table: other.table, columns }]
      }),
    )
    // What nothing of ours refers to is deleted without a look: the database says it where that can't be.
    if (own.length === 0) return []
    const keys = await this.#writer.catalogue.referrers(entity.table)
    const children = tablesOf([entity]).slice(1)
    const mirrored = tablesOf(this.#entities)
    const others = keys.filter(({ table, columns, onDelete }) => {
      const name = table.toLowerCase()
      if (children.includes(name) || own.some((one) => isSame(one, { table, columns }))) return false
      return mirrored.includes(name) || (onDelete !== 'CASCADE' && onDelete !== 'SET NULL')
    })
    return [...own, ...others]
  }

  #entity(name: string): Entity {
    const entity = this.#entities.find((one) => one.name === name)
    if (entity === undefined) throw new ConfigurationError([`no entity ${name} is kept in Aurora`])
    return entity
  }
}

/** The tables of entities and of their lists, in small letters. */
const tablesOf = (entities: readonly Entity[]): readonly string[] =>
  entities.flatMap(({ table, children }) =>
    [table, ...Object.values(children).map((list) => list.table)].map((name) => name.toLowerCase()),
  )

/** Names of tables and columns are taken to be the same in any case. */
const isSame = (a: ReferringColumns, b: ReferringColumns): boolean => asText(a) === asText(b)

const asText = ({ table, columns }: ReferringColumns): string =>
  JSON.stringify([table, ...columns.map(({ column, to }) => `${column} ${to}`).sort()]).toLowerCase()
