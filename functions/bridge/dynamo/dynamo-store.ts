import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { type CallOptions, call } from '../drivers/dynamo/call.ts'
import { isConflict } from '../drivers/dynamo/errors.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import { isLostCall, noteLostAnswers, onceAtMost } from '../drivers/dynamo/lost-answers.ts'
import { type Change, type Intent, type Row, settle } from '../model/change.ts'
import { generationOf } from '../model/derived-key.ts'
import type { Entity } from '../model/entity.ts'
import {
  type FirstAnswers,
  FormerKeyError,
  isOfOver,
  keyReused,
  meet,
  nextKey,
  type OnceAnswer,
  type OnceRequest,
  type Recalled,
  recallFrom,
  replay,
  stillInProgress,
} from '../ports/once.ts'
import {
  type EntityStore,
  KeyExistsError,
  LostAnswerError,
  matches,
  NoSuchKeyError,
  type Page,
  type PageRequest,
  StaleVersionError,
  type Unreadable,
} from '../ports/store.ts'
import type { Stored } from '../ports/stored.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'
import { retry } from '../runtime/retry.ts'
import type { Tables } from '../runtime/tables.ts'
import { isNever, isTombstone, RECORD } from './authority.ts'
import { type Birth, birthOver, firstOf, rowOf } from './birth.ts'
import { burial, emptied } from './burial.ts'
import { conditionInput, present, removable, stillBuried } from './conditions.ts'
import {
  createWithRecord,
  firstAnswerOf,
  isKeyTaken,
  recallRecords,
  recordOf,
  takenBy,
} from './create-once.ts'
import { getItem, readItem } from './get-item.ts'
import { findItemKey } from './item-key.ts'
import { belongsTo, ForeignItemError, nameOfItem, toAttributes, toStored, writtenFields } from './items.ts'
import { type Fate, fateOf } from './lost-write.ts'
import { conflicting, isEmpty, isRepeat, ownOf, refusal, requireTold } from './refused-write.ts'
import { type Scan, scanPage } from './scan-page.ts'

/**
 * DynamoDB as the API's store. Each write is one conditional call that makes the version one larger, so no write is
 * ever lost to another. The SDK repeats a call whose answer was lost; a repeat that fails its own condition is
 * recognised by what the item holds. What another entity keeps under a key of their common table is not there.
 */
export class DynamoStore implements EntityStore, FirstAnswers {
  readonly side = 'dynamo'
  readonly #client: DynamoDBClient
  readonly #tables: Tables
  readonly #idempotencyTable: string
  readonly #deadline: Deadline
  readonly #log: Log

  constructor(parts: {
    readonly client: DynamoDBClient
    /** Names of DynamoDB's tables, by the name that the entities' layouts have for them. */
    readonly tables: Tables
    /** Where the first answers to repeatable creates are kept. */
    readonly idempotencyTable: string
    readonly deadline: Deadline
    readonly log: Log
  }) {
    noteLostAnswers(parts.client)
    this.#client = parts.client
    this.#tables = parts.tables
    this.#idempotencyTable = parts.idempotencyTable
    this.#deadline = parts.deadline
    this.#log = parts.log
  }

  async get(entity: Entity, key: string): Promise<Stored | undefined> {
    return getItem({ client: this.#client, tables: this.#tables, deadline: this.#deadline }, entity, key)
  }

  async list(entity: Entity, { limit, position }: PageRequest): Promise<Page> {
    const scan: Scan = (input) =>
      this.#call('Scan', (options) =>
        this.#client.send(
          new ScanCommand({ TableName: this.#table(entity), ConsistentRead: true, ...input }),
          options,
        ),
      )
    const unreadable: Unreadable[] = []
    const page = await scanPage(entity, { limit, position }, scan, (item) =>
      this.#own(entity, item, unreadable),
    )
    return unreadable.length === 0 ? page : { ...page, unreadable }
  }

  async write(entity: Entity, change: Change | Intent): Promise<Stored | undefined> {
    if (change.version !== 'next') return this.#create(entity, change)
    if (change.op === 'upsert') return this.#put(entity, change, change.row)
    await this.#remove(entity, change)
    return undefined
  }

  async createOnce(entity: Entity, change: Change, once: OnceRequest): Promise<OnceAnswer> {
    return this.#createOnce(entity, firstOf(entity, change), change, once)
  }

  async #createOnce(entity: Entity, birth: Birth, change: Change, once: OnceRequest): Promise<OnceAnswer> {
    const answer = once.answer(toStored(entity, birth.item))
    const tables = { items: this.#table(entity), records: this.#idempotencyTable }
    const command = createWithRecord(tables, { ...birth, key: change.key, once, answer, at: change.at })
    try {
      await retry({ ...CONFLICTS, deadline: this.#deadline }, () =>
        this.#call('TransactWriteItems', (options) => this.#client.send(command, options)),
      )
      return { answer, replayed: false }
    } catch (error) {
      const first = firstAnswerOf(error)
      if (first !== undefined) return replay(first, once, first.doneBy === command.input.ClientRequestToken)
      if (isConflict(error)) throw stillInProgress()
      const found = isKeyTaken(error) ? takenBy(error) : undefined
      const isMade = found !== undefined && !(isTombstone(found) && isNever(found, entity.names.version))
      if (isMade) {
        const said = await this.#ask(entity, change, once)
        if (said?.is === 'done') return { answer: said.answer, replayed: true }
        if (generationOf(once.id, change.key) !== undefined)
          return this.#meet(entity, change, once, { found, said })
      }
      const next = isKeyTaken(error) ? birthOver(entity, change, birth, takenBy(error)) : undefined
      if (next !== undefined) return this.#createOnce(entity, next, change, once)
      throw isKeyTaken(error) ? existing(entity, error) : error
    }
  }

  async recall(_entity: Entity, { at }: Change, once: OnceRequest): Promise<Recalled | undefined> {
    return recallRecords(once, at, async (id) => {
      const command = recordOf(this.#idempotencyTable, id)
      const { Item } = await this.#call('GetItem', (options) => this.#client.send(command, options))
      return Item
    })
  }

  /**
   * Asks who knows of a request that has met something under its key: it was done at the other side, or long ago. Where all can be
   * asked and none has a record that holds, whatever is there is of one so long ago that its record is gone: a tombstone tells when
   * it was deleted, and not when it was made.
   */
  async #ask(entity: Entity, change: Change, once: OnceRequest): Promise<Recalled | undefined> {
    const { elsewhere } = once
    if (elsewhere === undefined) return this.recall(entity, change, once)
    const said = await recallFrom([() => this.recall(entity, change, once), () => elsewhere(change)])
    return said?.is === 'done' ? said : { is: 'over', key: said?.key, all: true }
  }

  /** Something is there under a key that only this request can have made, and no record says what it was answered. */
  async #meet(
    entity: Entity,
    change: Change,
    once: OnceRequest,
    { found, said }: { readonly found: Item; readonly said: Recalled | undefined },
  ): Promise<OnceAnswer> {
    const written = found[RECORD.deleted]?.S ?? found[entity.names.updatedAt]?.S
    const isOther = isOfOver(once.id, change.key, said) || !belongsTo(entity, found)
    const stored = isOther || isTombstone(found) ? undefined : toStored(entity, found)
    const made = toStored(entity, firstOf(entity, change).item)
    const met = meet({ stored, written, isOther }, made, change.at)
    if (met !== 'former') return { answer: once.answer(met), replayed: true }
    const key = nextKey(once.id, change.key, said)
    if (key === undefined) throw keyReused()
    if (once.only) throw new FormerKeyError(key)
    const next = { ...change, key }
    return this.#createOnce(entity, firstOf(entity, next), next, once)
  }

  async #create(entity: Entity, change: Change, birth = firstOf(entity, change)): Promise<Stored> {
    const { item, free } = birth
    try {
      await this.#call('PutItem', (options) =>
        this.#client.send(
          new PutItemCommand({
            TableName: this.#table(entity),
            Item: item,
            ...conditionInput(free),
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
          options,
        ),
      )
    } catch (error) {
      const found = conflicting(entity, error)
      const isTried = found !== undefined && !isTombstone(found) && isRepeat(error)
      if (isTried) {
        const made = toStored(entity, item)
        const own = { ...change, version: made.version }
        const stored = ownOf(entity, found, own, rowOf(change))
        if (stored !== undefined) return stored
      }
      if (found !== undefined) requireTold(entity, found, error, [toStored(entity, item).version - 1n])
      const next = birthOver(entity, change, birth, found)
      if (next !== undefined) return this.#create(entity, change, next)
      throw existing(entity, error)
    }
    return toStored(entity, item)
  }

  /** Replaces what is there, or makes what isn't, as the client's preconditions say. */
  async #put(entity: Entity, change: Intent, row: Row): Promise<Stored> {
    const { finding } = change
    if (finding === undefined) return this.#replace(entity, change, row)
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      if (finding !== 'nothing') {
        const stored = await this.#replace(entity, change, row).catch((error: unknown) => {
          if (error instanceof NoSuchKeyError) return undefined
          throw error
        })
        if (stored !== undefined) return stored
        if (finding === 'something') throw new StaleVersionError(entity)
      }
      try {
        return { ...(await this.#create(entity, settle(change, 0n))), created: true }
      } catch (error) {
        if (!isThere(error)) throw error
        if (finding === 'nothing') throw new StaleVersionError(entity)
      }
    }
    // Another entity's of a common table.
    throw new KeyExistsError(entity)
  }

  async #replace(entity: Entity, change: Intent, row: Row, attempt = 1): Promise<Stored> {
    const attributes = toAttributes(entity, row)
    const names = Object.entries(writtenFields(entity)).map(([name, { as = name }]) => as)
    const fields = names.map((name, at) => ({ name, at, value: attributes[name] }))
    const removed = fields.filter(({ value }) => value === undefined).map(({ at }) => `#a${at}`)
    const condition = present(entity, change.ifMatch)
    const at = this.#at(entity, change.key)
    const command = named(
      change,
      new UpdateItemCommand({
        ...at,
        UpdateExpression: [
          `SET ${['#updatedAt = :at', ...fields.flatMap(({ value, at }) => (value === undefined ? [] : [`#a${at} = :a${at}`]))].join(', ')}`,
          ...(removed.length === 0 ? [] : [`REMOVE ${removed.join(', ')}`]),
          'ADD #version :one',
        ].join(' '),
        ConditionExpression: condition.expression,
        ExpressionAttributeNames: {
          ...condition.names,
          '#version': entity.names.version,
          '#updatedAt': entity.names.updatedAt,
          ...Object.fromEntries(fields.map(({ name, at }) => [`#a${at}`, name])),
        },
        ExpressionAttributeValues: {
          ':at': { S: change.at },
          ':one': { N: '1' },
          ...condition.values,
          ...Object.fromEntries(
            fields.flatMap(({ value, at }) => (value === undefined ? [] : [[`:a${at}`, value]])),
          ),
        },
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    )
    try {
      const { Attributes } = await this.#call('UpdateItem', (options) => this.#client.send(command, options))
      return toStored(entity, Attributes ?? {})
    } catch (error) {
      if (isLostCall(error)) {
        const fate = await this.#fate(entity, change, row, { error, attempt })
        if (fate.is === 'done' && fate.stored !== undefined) return fate.stored
        return this.#replace(entity, change, row, attempt + 1)
      }
      const found = isRepeat(error) ? conflicting(entity, error) : undefined
      const own = found && ownOf(entity, found, change, row)
      if (own !== undefined) return own
      toStored(entity, refusal(entity, change, error))
      throw new StaleVersionError(entity)
    }
  }

  async #remove(entity: Entity, change: Intent, attempt = 1): Promise<void> {
    if (entity.tombstones === 'item') return this.#bury(entity, change)
    const condition = removable(entity, change.ifMatch)
    const at = this.#at(entity, change.key)
    try {
      const input = { ...at, ...conditionInput(condition) }
      const command = new DeleteItemCommand({ ...input, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' })
      await this.#call('DeleteItem', (options) => this.#client.send(named(change, command), options))
    } catch (error) {
      if (isLostCall(error)) {
        const fate = await this.#fate(entity, change, undefined, { error, attempt })
        return fate.is === 'done' ? undefined : this.#remove(entity, change, attempt + 1)
      }
      // Nothing there at a repeated attempt: the first one's answer was lost, its delete was not.
      if (isEmpty(error) && isRepeat(error)) return
      const buried = conflicting(entity, error)
      // And the key was moved since: then it has a tombstone.
      if (buried !== undefined && isTombstone(buried) && isRepeat(error)) return
      // What is there at a repeated attempt may have been made behind the first one: a delete leaves nothing that tells.
      const found = refusal(entity, change, error)
      if (isRepeat(error)) throw new LostAnswerError(entity, 'written', { cause: error })
      const { version } = toStored(entity, found)
      if (!matches(change.ifMatch, version)) throw new StaleVersionError(entity)
      if (found[RECORD.epoch] === undefined) throw error
      // It has changed hands: a claim that comes late must not take it for one that never was.
      await this.#bury(entity, change)
    }
  }

  /** Makes of an item its tombstone, one version above it, in one call: no version has to be known for that. */
  async #bury(entity: Entity, change: Intent, attempt = 1): Promise<void> {
    const command = new UpdateItemCommand({
      ...this.#at(entity, change.key),
      ...burial(entity, change),
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    })
    try {
      const { Attributes = {} } = await this.#call('UpdateItem', (options) =>
        this.#client.send(named(change, command), options),
      )
      await this.#empty(entity, Attributes)
    } catch (error) {
      if (isLostCall(error)) {
        const fate = await this.#fate(entity, change, undefined, { error, attempt })
        return fate.is === 'done' ? undefined : this.#bury(entity, change, attempt + 1)
      }
      const found = conflicting(entity, error)
      // The first attempt's answer was lost, its delete was not.
      if (isRepeat(error) && found?.[RECORD.deleted]?.S === change.at) return
      toStored(entity, refusal(entity, change, error))
      throw new StaleVersionError(entity)
    }
  }

  /** Takes out of a tombstone what others had put into its item, under names that the entity doesn't know. */
  async #empty(entity: Entity, tombstone: Item): Promise<void> {
    const Item = emptied(entity, tombstone)
    if (Object.keys(Item).length === Object.keys(tombstone).length) return
    const input = { TableName: this.#table(entity), Item, ...conditionInput(stillBuried(entity, tombstone)) }
    try {
      await this.#call('PutItem', (options) => this.#client.send(new PutItemCommand(input), options))
    } catch (error) {
      // Somebody has made the key anew.
      if (!(error instanceof ConditionalCheckFailedException)) throw error
    }
  }

  /** What became of a write that named no version, and whose answer was lost. @throws LostAnswerError where nobody can tell */
  async #fate(
    entity: Entity,
    change: Intent,
    row: Row | undefined,
    { error, attempt }: { readonly error: unknown; readonly attempt: number },
  ): Promise<Fate> {
    const parts = { client: this.#client, tables: this.#tables, deadline: this.#deadline }
    const found = await readItem(parts, entity, findItemKey(entity, change.key))
    const fate = fateOf(entity, change, row, found, error)
    if (fate.is === 'again' && attempt === ATTEMPTS) throw error
    return fate
  }

  #table({ item }: Entity): string {
    return this.#tables.of(item.table)
  }

  /** @throws NoSuchKeyError for a key that no item can have */
  #at(entity: Entity, key: string): { TableName: string; Key: Item } {
    const Key = findItemKey(entity, key)
    if (Key === undefined) throw new NoSuchKeyError(entity)
    return { TableName: this.#table(entity), Key }
  }

  /** One item that isn't the entity's must not hide the others of its page: it is logged, and named beside them. */
  #own(entity: Entity, item: Item, unreadable: Unreadable[]): Stored[] {
    if (isTombstone(item) || !belongsTo(entity, item)) return []
    try {
      return [toStored(entity, item)]
    } catch (error) {
      if (!(error instanceof ForeignItemError)) throw error
      const key = nameOfItem(entity, item)
      this.#log.warn('foreign item', { entity: entity.name, key, error })
      unreadable.push({ key, error })
      return []
    }
  }

  #call<T>(operation: string, send: (options: CallOptions) => Promise<T>): Promise<T> {
    return call(operation, this.#deadline, send)
  }
}

/** How often a write is tried that others come before, or whose answers are lost. */
const ATTEMPTS = 5

/** A repeat of a write that names a version fails its own condition where it was done; of another one it would be a second write. */
const named = <C extends UpdateItemCommand | DeleteItemCommand>({ ifMatch }: Intent, command: C): C =>
  ifMatch === undefined ? onceAtMost(command) : command

/** A transaction that met another one over the same items. */
const CONFLICTS = { attempts: 6, firstPause: 40, longestPause: 640, retryable: isConflict }

/** A natural key that is there is the client's own; a random one that is, is nobody's to choose. */
const existing = (entity: Entity, error: unknown): unknown =>
  entity.identity.kind === 'natural' &&
  (error instanceof ConditionalCheckFailedException || isKeyTaken(error))
    ? new KeyExistsError(entity)
    : error

/** Whether a create failed because something has its key. */
const isThere = (error: unknown): boolean =>
  error instanceof KeyExistsError || error instanceof ConditionalCheckFailedException
