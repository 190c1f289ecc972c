import {
  type CancellationReason,
  type DynamoDBClient,
  GetItemCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { call } from '../drivers/dynamo/call.ts'
import { cancellationOf, DynamoError } from '../drivers/dynamo/errors.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import { type Change, coalesce, subjectOf } from '../model/change.ts'
import { ConfigurationError, InvalidRecordError } from '../model/errors.ts'
import {
  type Held,
  nothingApplied,
  type Overruled,
  type PartialOutcome,
  sum,
  UnsettledError,
} from '../model/outcome.ts'
import { canonicalText, decodeItem } from '../model/values.ts'
import type { References, Sink } from '../ports/sink.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { inLanes } from '../runtime/lanes.ts'
import { pause } from '../runtime/retry.ts'
import type { Tables } from '../runtime/tables.ts'
import { groupsOf, wavesOf } from './groups.ts'
import {
  ACTIONS,
  type Attempt,
  type AttemptOutcome,
  actionsOf,
  outcomeOfAttempt,
  type Target,
  type Way,
} from './guarded-actions.ts'
import { keyItem } from './keys.ts'
import type { Projection } from './projection.ts'
import { stampOf, withoutStamp } from './stamp.ts'
import { tombstoneOf } from './tombstones.ts'

/** Transactions in flight at once. */
const CONCURRENCY = 4
/** How often a group is tried anew because others wrote the same items, or because some of it was late. */
const ROUNDS = 12

export type TableSinkParts = {
  readonly client: DynamoDBClient
  readonly projections: readonly Projection[]
  /** Table names in DynamoDB by their names in this project. */
  readonly tables: Tables
  /** The table of tombstones. */
  readonly tombstones: string
  readonly deadline: Deadline
  readonly now: () => Date
}

/**
 * DynamoDB tables that are kept by others. Changes are applied in transactions of up to a hundred actions, each change
 * with its guard: the item's own version, and its tombstone. What DynamoDB refuses is found by halving.
 */
export class TableSink implements Sink {
  readonly names: readonly string[]
  readonly references: References = {
    // Whoever has the place has to leave it: a change of the same target key.
    waitsFor: ({ entity, key }) => [{ entity, key }],
    howWaitedFor: () => 'key',
  }
  readonly #parts: TableSinkParts
  readonly #targets: ReadonlyMap<string, Target>

  /** @throws ConfigurationError when a target has no table */
  constructor(parts: TableSinkParts) {
    this.#parts = parts
    this.names = parts.projections.map(({ name }) => name)
    this.#targets = new Map(
      parts.projections.map(({ name, key, from }) => {
        const table = parts.tables.of(name)
        const counted = from.versions === 'counted'
        return [name, { name, key, table, tombstones: parts.tombstones, counted }]
      }),
    )
  }

  async applyIsolating(name: string, changes: readonly Change[]): Promise<PartialOutcome> {
    const target = this.#target(name)
    // A key of which the batch has the first write is not there yet, whatever its last one says.
    const fresh = new Set(changes.filter(isFirst).map(({ key }) => key))
    const outcomes: PartialOutcome[] = []
    for (const wave of wavesOf(coalesce(changes))) {
      const attempts = wave.map((change) => ({ change, way: wayOf(change, fresh.has(change.key)) }))
      outcomes.push(
        ...(await inLanes(groupsOf(attempts), CONCURRENCY, (group) => this.#isolate(target, group))),
      )
    }
    return sum(outcomes)
  }

  async isLater(change: Change): Promise<boolean> {
    const { table, key, tombstones } = this.#target(change.entity)
    const item = await this.#get({ TableName: table, Key: keyItem(key, change.key), ConsistentRead: true })
    const stamp = item && stampOf(item)
    if (stamp?.sourceKey === subjectOf(change)) return stamp.version > change.version
    const tombstone = await this.#get(tombstoneOf(tombstones, change))
    return BigInt(tombstone?.version?.S ?? 0) > change.version
  }

  #target(name: string): Target {
    const target = this.#targets.get(name)
    if (target === undefined) throw new ConfigurationError([`there is no kept table ${name}`])
    return target
  }

  /** Halves a group that DynamoDB refuses as a whole, until what it refuses is alone. */
  async #isolate(target: Target, group: readonly Attempt[]): Promise<PartialOutcome> {
    try {
      return await this.#settle(target, group)
    } catch (error) {
      if (!isRefusal(error)) throw error
      const [only] = group
      if (only === undefined) return nothingApplied
      if (group.length === 1)
        return { ...nothingApplied, refused: [{ change: only.change, error: unfit(error) }] }
      const half = Math.ceil(group.length / 2)
      return sum([
        await this.#isolate(target, group.slice(0, half)),
        await this.#isolate(target, group.slice(half)),
      ])
    }
  }

  /** Writes a group; whatever is late or refused is taken out, and the rest is tried again, some in another way. */
  async #settle(target: Target, group: readonly Attempt[]): Promise<PartialOutcome> {
    const outcomes: PartialOutcome[] = []
    let rest: readonly Attempt[] = group
    for (let round = 1; rest.length > 0; round++) {
      if (round > ROUNDS)
        throw new UnsettledError(`Others wrote the same items of ${target.name} again and again`)
      // Another way may take more actions than the first: then it is more than one transaction.
      const verdicts: AttemptOutcome[] = []
      for (const part of groupsOf(rest)) verdicts.push(...(await this.#write(target, part)))
      outcomes.push(outcomeOf(target, rest, verdicts))
      const open = verdicts.filter((verdict) => verdict.is === 'open')
      rest = open.map(({ attempt }) => attempt)
      if (open.some(({ conflict }) => conflict)) await pause(round, 10, 1_000)
    }
    return sum(outcomes)
  }

  async #write(target: Target, part: readonly Attempt[]): Promise<readonly AttemptOutcome[]> {
    const reasons = await this.#transact(
      part.flatMap((attempt) => actionsOf(target, attempt, this.#parts.now())),
    )
    if (reasons === undefined) return part.map(() => ({ is: 'applied' }))
    let at = 0
    return part.map((attempt) => {
      const own = reasons.slice(at, at + ACTIONS[attempt.way])
      at += own.length
      return outcomeOfAttempt(attempt, own)
    })
  }

  /** @returns undefined when all of it was written, else why each action was not */
  async #transact(actions: TransactWriteItem[]): Promise<readonly CancellationReason[] | undefined> {
    const { client, deadline } = this.#parts
    const command = new TransactWriteItemsCommand({ TransactItems: actions })
    try {
      await call('TransactWriteItems', deadline, (options) => client.send(command, options))
      return undefined
    } catch (error) {
      const reasons = cancellationOf(error)?.CancellationReasons
      if (reasons === undefined || reasons.length !== actions.length) throw error
      return reasons
    }
  }

  async #get(input: { TableName: string; Key: Item; ConsistentRead: boolean }): Promise<Item | undefined> {
    const { client, deadline } = this.#parts
    const command = new GetItemCommand(input)
    const { Item } = await call('GetItem', deadline, (options) => client.send(command, options))
    return Item
  }
}

/** Whether a change is the first of its key, as far as its source tells. */
const isFirst = (change: Change): boolean => change.op === 'upsert' && change.replaces !== true

const wayOf = ({ op }: Change, fresh: boolean): Way => {
  if (op === 'delete') return 'delete'
  return fresh ? 'insert' : 'replace'
}

/**
 * What stands against changes whose writers count versions. A version that is taken from the stream can't step back: who
 * is below one of them is late, or was read by a scan that the stream has overtaken.
 */
const overruledOf = (
  { counted }: Target,
  attempts: readonly Attempt[],
  verdicts: readonly AttemptOutcome[],
): Overruled[] =>
  !counted
    ? []
    : verdicts.flatMap((verdict, at): Overruled[] => {
        const change = attempts[at]?.change
        const held = verdict.is === 'skipped' && change !== undefined ? heldOf(change, verdict) : undefined
        return held === undefined || change === undefined ? [] : [{ change, held }]
      })

/** What the store holds of a key; undefined where it is what the change says. */
const heldOf = (
  change: Change,
  { item, tombstone }: Extract<AttemptOutcome, { is: 'skipped' }>,
): Held | undefined => {
  const stamp = item && stampOf(item)
  if (item !== undefined && stamp !== undefined) {
    const row = withoutStamp(decodeItem(item, change.entity))
    const same =
      change.op === 'upsert' &&
      stamp.version === change.version &&
      canonicalText(row) === canonicalText(change.row)
    return same ? undefined : { version: stamp.version, op: 'upsert', row: async () => row }
  }
  const gone = tombstone?.version?.S
  return gone === undefined ? undefined : { version: BigInt(gone), op: 'delete', row: async () => undefined }
}

const outcomeOf = (
  target: Target,
  attempts: readonly Attempt[],
  verdicts: readonly AttemptOutcome[],
): PartialOutcome => ({
  ...nothingApplied,
  overruled: overruledOf(target, attempts, verdicts),
  applied: verdicts.filter(({ is }) => is === 'applied').length,
  skipped: verdicts.filter(({ is }) => is === 'skipped').length,
  refused: verdicts.flatMap((verdict, at) => {
    const change = attempts[at]?.change
    return verdict.is === 'refused' && change !== undefined ? [{ change, error: verdict.error }] : []
  }),
})

/** What DynamoDB says of an item that an index of the target can't take. Its other faults are the call's. */
const UNFIT_FOR_INDEX = /index key|secondary index|IndexKey/i

const isRefusal = (error: unknown): error is DynamoError =>
  error instanceof DynamoError &&
  (error.kind === 'data' ||
    (error.code === 'dynamodb.ValidationException' &&
      error.cause instanceof Error &&
      UNFIT_FOR_INDEX.test(error.cause.message)))

const unfit = (cause: DynamoError): Error => new InvalidRecordError('DynamoDB refuses the item', { cause })
