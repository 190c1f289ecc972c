/**
 * The entities whose routes are complete, and settled as that: nothing is carried from one store to the other any more. What isn't
 * known counts as not so: what is carried once too often changes nothing, and what is dropped is lost.
 */
export interface EndedRoutes {
  /** Whether an entity's route is so, for all that is known here. */
  has(entity: string): Promise<boolean>
  /** Whether those of all entities are that share an entity's table: a record that can't be read may be of any of them. */
  hasTableOf(entity: string): Promise<boolean>
}
