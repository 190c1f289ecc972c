import { outwardParkingOf } from '../model/mirror.ts'
import type { Parked, ParkedHead, Parking, Resolution, Waiting } from '../ports/parking.ts'

/**
 * Where changes of Aurora's are set aside that can't be applied to DynamoDB: beside those of the same keys that come from there, so
 * that neither takes the other's place, nor ends it. Conflicts are about both sides, and have one place.
 */
export class OutwardParking implements Parking {
  readonly #parking: Parking
  /** The entities themselves, by the names under which theirs are set aside. */
  readonly #entities: ReadonlyMap<string, string>

  /** @param entities names of those that are mirrored */
  constructor(parking: Parking, entities: readonly string[]) {
    this.#parking = parking
    this.#entities = new Map(entities.map((name) => [outwardParkingOf(name), name]))
  }

  park(changes: readonly Parked[], at: Date): Promise<void> {
    return this.#parking.park(
      changes.map((one) => ({ ...one, entity: this.#nameOf(one.entity) })),
      at,
    )
  }

  async parkedOf(entity: string): Promise<ReadonlyMap<string, ParkedHead>> {
    return this.#own(await this.#parking.parkedOf(this.#nameOf(entity)))
  }

  async parkedAmong(entity: string, keys: readonly string[]): Promise<ReadonlyMap<string, ParkedHead>> {
    return this.#own(await this.#parking.parkedAmong(this.#nameOf(entity), keys))
  }

  /** Items refer to nothing: none waits for another one. */
  async waitingFor(): Promise<readonly Waiting[]> {
    return []
  }

  async due(entity: string, at: Date): Promise<readonly ParkedHead[]> {
    return (await this.#parking.due(this.#nameOf(entity), at)).map(this.#ownHead)
  }

  tidy(entities: readonly string[], at: Date): Promise<void> {
    return this.#parking.tidy(
      entities.map((name) => this.#nameOf(name)),
      at,
    )
  }

  resolve(
    { entity, key }: { readonly entity: string; readonly key: string },
    by: Resolution,
  ): Promise<boolean> {
    return this.#parking.resolve({ entity: this.#nameOf(entity), key }, by)
  }

  /** Under which name it is set aside. */
  #nameOf(entity: string): string {
    const outward = outwardParkingOf(entity)
    return this.#entities.has(outward) ? outward : entity
  }

  readonly #ownHead = (head: ParkedHead): ParkedHead => ({
    ...head,
    entity: this.#entities.get(head.entity) ?? head.entity,
  })

  #own(heads: ReadonlyMap<string, ParkedHead>): ReadonlyMap<string, ParkedHead> {
    return new Map([...heads].map(([key, head]) => [key, this.#ownHead(head)]))
  }
}
