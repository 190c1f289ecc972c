import { BatchGetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Item } from '../drivers/dynamo/items.ts'
import type { KeySchema } from '../drivers/dynamo/key-schema.ts'
import { type Bounds, callPatiently, pauseBeforeRepeat } from '../drivers/dynamo/patient-call.ts'
import type { Row } from '../model/change.ts'
import { InvalidRecordError } from '../model/errors.ts'
import { decodeItem, sameValue } from '../model/values.ts'
import { inLanes } from '../runtime/lanes.ts'
import type { Tables } from '../runtime/tables.ts'
import { keyItem, keyText } from './keys.ts'
import { type Projected, projectRow } from './project.ts'
import type { Projection } from './projection.ts'
import { stampOf, withoutStamp } from './stamp.ts'

/**
 * How a kept table differs from what it should be:
 * - `missing`: an item of the source isn't there. `stale`: it is there and differs.
 * - `taken`: something else has its key. `unfit`: it has no form in the target.
 * - `orphan`: an item that is made of none of the source. `foreign`: an item that something else wrote.
 */
export const DIFFERENCES = ['missing', 'stale', 'taken', 'unfit', 'orphan', 'foreign'] as const
export type DifferenceKind = (typeof DIFFERENCES)[number]

export type Difference = {
  readonly kind: DifferenceKind
  /** The target's key; absent for an item that has none there. */
  readonly key?: string
  readonly sourceKey?: string
}

/** DynamoDB gives so many items in one call. */
const KEYS = 100
/** Such calls at once. */
const CALLS = 4

/** The two tables, and how they are read. */
export type SidesOptions = Bounds & {
  readonly projection: Projection
  readonly client: DynamoDBClient
  /** Table names in DynamoDB by their names in this project. */
  readonly tables: Tables
}

/** Both tables, and how an item of either is judged by the other. */
export class Sides {
  readonly #options: SidesOptions

  constructor(options: SidesOptions) {
    this.#options = options
  }

  async ofSource(items: readonly Item[]): Promise<Difference[]> {
    const { projection } = this.#options
    const wanted = items.map((item) => wantedOf(projection, item))
    const placed = wanted.flatMap(({ projected }) => (projected === undefined ? [] : [projected.key]))
    const targets = await this.#read(projection.name, projection.key, placed)
    return wanted.flatMap(({ sourceKey, projected, unfit }): Difference[] => {
      if (unfit) return [{ kind: 'unfit', sourceKey }]
      if (projected === undefined) return []
      const kind = judge(projected, sourceKey, targets.get(projected.key))
      return kind === undefined ? [] : [{ kind, key: projected.key, sourceKey }]
    })
  }

  async ofTarget(items: readonly Item[]): Promise<Difference[]> {
    const { projection } = this.#options
    const { from } = projection
    const stamped = items.map((item) => ({
      key: keyText(projection.key, decodeItem(item, projection.name)),
      sourceKey: stampOf(item)?.sourceKey,
    }))
    const sources = await this.#read(
      from.name,
      from.key,
      stamped.flatMap(({ sourceKey }) => (sourceKey === undefined ? [] : [sourceKey])),
    )
    return stamped.flatMap(({ key, sourceKey }): Difference[] => {
      if (sourceKey === undefined) return [{ kind: 'foreign', key }]
      const item = sources.get(sourceKey)
      const place = item === undefined ? undefined : wantedOf(projection, item).projected?.key
      return place === key ? [] : [{ kind: 'orphan', key, sourceKey }]
    })
  }

  /** Those of some differences that are there still. */
  async again(differences: readonly Difference[]): Promise<readonly Difference[]> {
    const { projection } = this.#options
    const { from } = projection
    const ofTarget = differences.filter(({ kind }) => kind === 'orphan' || kind === 'foreign')
    const ofSource = differences.filter(({ kind }) => kind !== 'orphan' && kind !== 'foreign')
    const targets = await this.#read(
      projection.name,
      projection.key,
      ofTarget.flatMap(({ key }) => (key === undefined ? [] : [key])),
    )
    const sources = await this.#read(
      from.name,
      from.key,
      ofSource.flatMap(({ sourceKey }) => (sourceKey === undefined ? [] : [sourceKey])),
    )
    return [...(await this.ofSource([...sources.values()])), ...(await this.ofTarget([...targets.values()]))]
  }

  /** @returns items by the text of their key */
  async #read(name: string, key: KeySchema, texts: readonly string[]): Promise<Map<string, Item>> {
    const { client, tables } = this.#options
    const table = tables.of(name)
    const found = new Map<string, Item>()
    const distinct = [...new Set(texts)]
    const groups = Array.from({ length: Math.ceil(distinct.length / KEYS) }, (_, at) =>
      distinct.slice(at * KEYS, (at + 1) * KEYS),
    )
    await inLanes(groups, CALLS, async (group) => {
      let keys = group.map((text) => keyItem(key, text))
      for (let call = 0; keys.length > 0; call++) {
        const command = new BatchGetItemCommand({
          RequestItems: { [table]: { Keys: keys, ConsistentRead: true } },
        })
        const { Responses, UnprocessedKeys } = await callPatiently('BatchGetItem', this.#options, (send) =>
          client.send(command, send),
        )
        for (const item of Responses?.[table] ?? []) found.set(keyText(key, decodeItem(item, name)), item)
        keys = UnprocessedKeys?.[table]?.Keys ?? []
        // What doesn't fit into 16 MB comes with the next call; what is held back has to wait.
        if (keys.length > 0) await pauseBeforeRepeat(call, 'BatchGetItem', this.#options)
      }
    })
    return found
  }
}

/** What an item of the source should have become. */
type Wanted = {
  readonly sourceKey: string
  readonly projected: Projected | undefined
  readonly unfit: boolean
}

const wantedOf = (projection: Projection, item: Item): Wanted => {
  const row: Row = decodeItem(item, projection.from.name)
  const sourceKey = keyText(projection.from.key, row)
  try {
    return { sourceKey, projected: projectRow(projection, row), unfit: false }
  } catch (error) {
    if (!(error instanceof InvalidRecordError)) throw error
    return { sourceKey, projected: undefined, unfit: true }
  }
}

const judge = ({ row }: Projected, sourceKey: string, item: Item | undefined): DifferenceKind | undefined => {
  if (item === undefined) return 'missing'
  const stamp = stampOf(item)
  if (stamp?.sourceKey !== sourceKey) return 'taken'
  return sameValue(withoutStamp(decodeItem(item, 'target')), row) ? undefined : 'stale'
}
