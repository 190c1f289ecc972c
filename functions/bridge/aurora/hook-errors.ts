import type { Entity } from '../model/entity.ts'
import { BridgeError, type ErrorKind } from '../model/errors.ts'

/** Which of an entity's hooks, as its definition calls it: `write.instead.upsert`. */
export type HookName =
  | 'write.before'
  | 'write.after'
  | 'write.instead.upsert'
  | 'write.instead.delete'
  | 'read'
  | 'read.list'

/** What an entity's own code did, or has failed to do. Of one change that is alone it is that change's. */
export abstract class HookError extends BridgeError {
  /** It was thrown by code of the team's, whose texts may quote anything. */
  override get causeQuotesData(): boolean {
    return true
  }
}

/** A hook has thrown something that no database said. Its text stays out of the message. */
export class HookFailedError extends HookError {
  override readonly name = 'HookFailedError'
  readonly code = 'hook.failed'
  readonly kind: ErrorKind = 'unknown'

  constructor({ name }: Pick<Entity, 'name'>, hook: HookName, cause: unknown) {
    super(`${hook} of ${name} has failed: ${classOf(cause)}`, { cause })
  }
}

/** What was thrown, by its class: its text may quote a customer's value. */
const classOf = (thrown: unknown): string => {
  if (!(thrown instanceof Error)) return typeof thrown
  return /^\w{1,80}$/.test(thrown.constructor.name) ? thrown.constructor.name : 'Error'
}

/**
 * A hook doesn't end: it was given up, and nothing that it still does counts. What it waits for may come back, so the change is
 * tried again later; it holds up no other.
 */
export class HookTimeoutError extends HookError {
  override readonly name = 'HookTimeoutError'
  readonly code = 'hook.timeout'
  readonly kind: ErrorKind = 'transient'

  /** @param milliseconds it has taken; undefined where it was not called any more, since others of its batch took the time */
  constructor({ name }: Pick<Entity, 'name'>, hook: HookName | 'write', milliseconds?: number) {
    super(
      milliseconds === undefined
        ? `${hook} of ${name} has not ended for others of the same batch: there was no time left to try this one alone`
        : `${hook} of ${name} has not ended within ${Math.round(milliseconds)} ms`,
    )
  }
}

/** A hook has ended the transaction that it was lent. What was written up to then can't be undone any more. */
export class TransactionEndedError extends HookError {
  override readonly name = 'TransactionEndedError'
  readonly code = 'hook.transaction-ended'
  readonly kind: ErrorKind = 'configuration'
  /** It was rolled back: by the hook, or by the server, for a deadlock that a procedure in it has kept to itself. */
  readonly isUndone: boolean

  constructor(
    { name }: Pick<Entity, 'name'>,
    hook: HookName,
    { isUndone = false, ...options }: ErrorOptions & { readonly isUndone?: boolean } = {},
  ) {
    super(
      `${hook} of ${name} has ended the transaction that it runs in, as a procedure does with COMMIT, ROLLBACK or DDL. ` +
        'What was committed by it stays: behind write.after with its version, so that a repeat does nothing more; ' +
        'else without, so that a repeat writes it again',
      options,
    )
    this.isUndone = isUndone
  }
}

/** What is wrong with the ids that `write.instead.upsert` has returned, or with their rows. */
export type InsteadFault = 'id-missing' | 'id-invalid' | 'id-twice' | 'id-taken' | 'id-moved' | 'no-row'

const SAYS: Readonly<Record<InsteadFault, string>> = {
  'id-missing': 'has returned no id for the key',
  'id-invalid': 'has returned something that is no id for the key',
  'id-twice': 'has returned an id for the key that it has returned for another one, too',
  'id-taken': 'has returned the id of a row that has another key for the key',
  'id-moved': 'has returned another id for the key than its row has',
  'no-row': 'has left no row for the key',
}

/** `write.instead.upsert` hasn't done what its entity needs of it. */
export class InsteadError extends HookError {
  override readonly name = 'InsteadError'
  readonly code: string
  readonly kind: ErrorKind = 'configuration'
  readonly key: string

  constructor({ name }: Pick<Entity, 'name'>, key: string, fault: InsteadFault) {
    super(`write.instead.upsert of ${name} ${SAYS[fault]} ${JSON.stringify(key)}`)
    this.code = `instead.${fault}`
    this.key = key
  }
}
