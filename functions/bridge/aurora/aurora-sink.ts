import type { Change } from '../model/change.ts'
import { type Entity, inOrderOfReference, parentsOf, referencesOf } from '../model/entity.ts'
import { ConfigurationError } from '../model/errors.ts'
import type { PartialOutcome } from '../model/outcome.ts'
import type { References, Sink } from '../ports/sink.ts'
import type { AuroraStore } from './aurora-store.ts'
import type { GuardedWriter } from './guarded-writer.ts'

/** Aurora as what takes the changes of entities. */
export class AuroraSink implements Sink {
  readonly names: readonly string[]
  readonly references: References = {
    // One call for all of them, and none when there is no delete.
    blocked: (name, deletes) => {
      const by = this.#entities.flatMap((other) =>
        Object.values(other.attributes).flatMap(({ references, column }) =>
          references?.entity === name ? [{ table: other.table, column }] : [],
        ),
      )
      return this.#writer.referenced(this.#entity(name), deletes, by)
    },
    // A delete of a row that is referred to: a change of whoever refers to it may set it free.
    waitsFor: (change) =>
      change.op === 'delete'
        ? this.#entities
            .filter((other) => referencesOf(other).includes(change.entity))
            .map(({ name }) => ({ entity: name }))
        : parentsOf(this.#entity(change.entity), change),
    // It is referred to, or refers itself.
    isWaitedFor: (name) =>
      referencesOf(this.#entity(name)).length > 0 ||
      this.#entities.some((other) => referencesOf(other).includes(name)),
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

  applyIsolating(name: string, changes: readonly Change[]): Promise<PartialOutcome> {
    return this.#writer.applyIsolating(this.#entity(name), changes)
  }

  async isLater(change: Change): Promise<boolean> {
    const stored = await this.#store.head(this.#entity(change.entity), change.key)
    return stored === undefined ? change.op === 'upsert' : stored.version > change.version
  }

  #entity(name: string): Entity {
    const entity = this.#entities.find((one) => one.name === name)
    if (entity === undefined) throw new ConfigurationError([`no entity ${name} is kept in Aurora`])
    return entity
  }
}
