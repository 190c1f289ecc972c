import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { ConfigurationError } from '../model/errors.ts'
import type { ApplyOutcome, PartialOutcome } from '../model/outcome.ts'
import type { Owner } from '../model/owner.ts'

/** What writes an entity's changes to Aurora under the guard of its records. */
export interface EntityWriter {
  /**
   * Applies changes of one entity; of several for one key the last counts.
   *
   * @throws BridgeError also for a single change that can't be applied; the others may have been applied then
   */
  apply(entity: Entity, changes: readonly Change[], by?: Owner): Promise<ApplyOutcome>
  /**
   * Applies what DynamoDB has accepted and can be applied, and names the rest.
   *
   * @throws BridgeError for what is no single change's fault
   */
  applyIsolating(entity: Entity, changes: readonly Change[]): Promise<PartialOutcome>
}

/** @throws ConfigurationError where nothing writes the entity */
export const writerFor = ({ name }: Entity, writer: EntityWriter | undefined): EntityWriter => {
  if (writer !== undefined) return writer
  throw new ConfigurationError([`nothing here calls the function that writes ${name}`])
}
