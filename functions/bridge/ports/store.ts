import type { Change, Intent, Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import type { Owner } from '../model/owner.ts'
import type { OnceAnswer, OnceRequest } from './once.ts'
import type { Stored } from './stored.ts'

/** Which part of a list is wanted: so many, behind a position that an earlier page gave. */
export type PageRequest = { readonly limit: number; readonly position: string | undefined }

/** One of a list. `isPart`: its row has what lists tell of it, and the rest is not known. */
export type Listed = Stored & { readonly isPart?: true }

/** A part of a list, and the position behind which the next one begins: the store's own, opaque to everybody else. */
export type Page = {
  readonly items: readonly Listed[]
  /** Those of the part that are there and can't be shown. */
  readonly unreadable?: readonly Unreadable[]
  readonly next: string | undefined
}

/** One that is there, and why it can't be shown. */
export type Unreadable = { readonly key: string; readonly error: BridgeError }

/** What the API needs of a store. Both sides of the bridge are one. */
export interface EntityStore {
  /** Which of the two it is: the cursors of its lists name it. */
  readonly side?: Owner
  get(entity: Entity, key: string): Promise<Stored | undefined>
  /** @throws InvalidPositionError */
  list(entity: Entity, page: PageRequest): Promise<Page>
  /**
   * Applies a client's write.
   *
   * @returns the state after it; undefined after a delete
   * @throws NoSuchKeyError when there is nothing to change, NotTheOwnerError when the key is the other store's and the write
   *   was not accepted before that, LostAnswerError when nobody can tell, StaleVersionError when `ifMatch` fails, or something
   *   is there where nothing may be, KeyExistsError for a create of a key that is there
   */
  write(entity: Entity, change: Change | Intent): Promise<Stored | undefined>
  /**
   * Applies a create that a client may repeat: the row and the answer are kept together or not at all. Records expire
   * by the time of the change, `change.at`.
   *
   * @returns the answer of the first request with this key, whatever became of the row since
   * @throws KeyReusedError when the key was used for another request, InProgressError while the first one is in progress
   */
  createOnce(entity: Entity, change: Change, once: OnceRequest): Promise<OnceAnswer>
}

/** Nothing has the key. */
export class NoSuchKeyError extends BridgeError {
  override readonly name = 'NoSuchKeyError'
  readonly code = 'key.unknown'
  readonly kind = 'client'

  constructor({ name, keyName }: Pick<Entity, 'name' | 'keyName'>) {
    super(`There is no ${name} with this ${keyName}`)
  }
}

/** A create brings a key that something has. */
export class KeyExistsError extends BridgeError {
  override readonly name = 'KeyExistsError'
  readonly code = 'key.exists'
  readonly kind = 'client'

  constructor({ name, keyName }: Pick<Entity, 'name' | 'keyName'>) {
    super(`There is a ${name} with this ${keyName} already`)
  }
}

/** The key is another store's to write. */
export class NotTheOwnerError extends BridgeError {
  override readonly name = 'NotTheOwnerError'
  readonly code = 'owner.other'
  readonly kind = 'client'
  readonly key: string
  readonly owner: Owner
  /** The write was sent more than once: before the key was moved it may have been accepted, and that answer was lost. */
  readonly mayHaveRun: boolean
  /** What was refused was not the key's own row, as far as is known, but one of this entity that is written with it. */
  readonly beside: string | undefined

  constructor(
    { name, keyName }: Pick<Entity, 'name' | 'keyName'>,
    key: string,
    owner: Owner,
    {
      mayHaveRun = false,
      beside,
      ...options
    }: ErrorOptions & { readonly mayHaveRun?: boolean; readonly beside?: string } = {},
  ) {
    const store = owner === 'dynamo' ? 'DynamoDB' : 'Aurora'
    const message =
      beside === undefined
        ? `${store} owns the ${name} with this ${keyName}`
        : `${store} owns a ${beside} that this write of a ${name} changes`
    super(message, options)
    this.key = key
    this.owner = owner
    this.mayHaveRun = mayHaveRun
    this.beside = beside
  }
}

/**
 * A change that DynamoDB has accepted writes, by code of the team's own, a row whose key is not the writer's to change there: a
 * trigger has refused it, and nothing was written. It passes when that key is moved.
 */
export class OwnedBesideError extends BridgeError {
  override readonly name = 'OwnedBesideError'
  readonly code = 'owner.beside'
  readonly kind = 'dependency'

  constructor({ name }: Pick<Entity, 'name'>, beside: string, options?: ErrorOptions) {
    super(
      `DynamoDB owns a ${beside} that this write of a ${name} changes by plain SQL: it is tried again, and gets through when that key is moved`,
      options,
    )
  }
}

/**
 * The key was moved, or written by others, while a write of it was without an answer, and nothing shows what became of that. Whoever
 * did it again could do it twice, over what others have written since; and who said that it was refused could deny what was done.
 */
export class LostAnswerError extends BridgeError {
  override readonly name = 'LostAnswerError'
  readonly code = 'write.lost-answer'
  readonly kind = 'transient'

  /** @param since what has become of the key meanwhile */
  constructor({ name }: Pick<Entity, 'name'>, since: 'moved' | 'written', options?: ErrorOptions) {
    const what = since === 'moved' ? 'moved' : 'written by others'
    super(
      `A ${name} was ${what} while its write was without an answer: read it before it is written again`,
      options,
    )
  }
}

/** The key is at none of the versions that the caller accepts. */
export class StaleVersionError extends BridgeError {
  override readonly name = 'StaleVersionError'
  readonly code = 'version.stale'
  readonly kind = 'client'

  constructor({ name }: Pick<Entity, 'name'>) {
    super(`The ${name} is at another version than the ones that are accepted`)
  }
}

/** What is there holds something that its definition knows no form for. */
export class UnreadableRowError extends BridgeError {
  override readonly name = 'UnreadableRowError'
  readonly code = 'row.unreadable'
  readonly kind = 'unknown'

  constructor({ name }: Pick<Entity, 'name'>, options?: ErrorOptions) {
    super(`A row of ${name} holds something that its definition has no form for`, options)
  }
}

/** What is there is larger than an answer may be. */
export class RowTooLargeError extends BridgeError {
  override readonly name = 'RowTooLargeError'
  readonly code = 'row.too-large'
  readonly kind = 'client'

  constructor({ name }: Pick<Entity, 'name'>) {
    super(`The ${name} is larger than an answer may be`)
  }
}

/** A position that no page of the store has given. */
export class InvalidPositionError extends BridgeError {
  override readonly name = 'InvalidPositionError'
  readonly code = 'position.invalid'
  readonly kind = 'client'

  constructor() {
    super('No page of this list ends at this position')
  }
}

/** Whether a client's If-Match allows a write over the current version. */
export const matches = (ifMatch: readonly Version[] | undefined, current: Version): boolean =>
  ifMatch === undefined || ifMatch.includes(current)
