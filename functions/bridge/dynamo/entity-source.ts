import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { ConfigurationError, InvalidRecordError } from '../model/errors.ts'
import type { Value } from '../model/values.ts'
import type { ParkedHead } from '../ports/parked.ts'
import type { Source } from '../ports/sink.ts'
import { itemToChange } from './entity-reader.ts'

/** Reads the current item of a key from the entity's table, strongly consistent. */
export interface CurrentItems {
  /** @returns the item's attributes; undefined when there is no item of this entity under the key */
  get(entity: Entity, key: string): Promise<Readonly<Record<string, Value>> | undefined>
}

/** The entities' tables as where changes come from. */
export class EntitySource implements Source {
  readonly #entities: readonly Entity[]
  readonly #items: CurrentItems
  readonly #holds: (entity: Entity, key: string) => Promise<boolean>

  /** @param holds whether the other side has something under a key */
  constructor(
    entities: readonly Entity[],
    items: CurrentItems,
    holds: (entity: Entity, key: string) => Promise<boolean>,
  ) {
    this.#entities = entities
    this.#items = items
    this.#holds = holds
  }

  /** A key whose item is gone is deleted, one version above the parked one. */
  async current(head: ParkedHead, at: Date): Promise<readonly Change[]> {
    const { key, version } = head
    const entity = this.#entities.find(({ name }) => name === head.entity)
    if (entity === undefined) throw new ConfigurationError([`there is no entity ${head.entity}`])
    if (key.startsWith('?') && version === undefined)
      throw new InvalidRecordError('The record names no key: repair the item, then it comes by itself')
    const item = await this.#items.get(entity, key)
    if (item !== undefined) return [itemToChange(entity, key, item, version)]
    if (version !== undefined)
      return [deletion(entity, head, head.op === 'delete' ? version : version + 1n, at)]
    // Neither an item nor a version: done when the other side has none either.
    if (!(await this.#holds(entity, key))) return []
    throw new InvalidRecordError(
      'The item is gone and its version unknown: delete the row on the legacy side',
    )
  }
}

const deletion = (entity: Entity, { key }: ParkedHead, version: bigint, at: Date): Change => ({
  entity: entity.name,
  key,
  op: 'delete',
  version,
  source: 'stream',
  at: at.toISOString(),
})
