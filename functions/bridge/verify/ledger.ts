import { hash } from 'node:crypto'
import * as z from 'zod'
import { asJson, asText, itemReader } from '../drivers/dynamo/item-schema.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import { ForeignJobItemError } from '../jobs/job-items.ts'
import type { JobNotes } from '../jobs/job-notes.ts'
import { DIVERGENCES, type Divergence } from '../jobs/verifications.ts'
import { inLanes } from '../runtime/lanes.ts'
import { BucketSums } from './bucket-sums.ts'
import type { FoundKey } from './sides.ts'

/*
 * What a verification has found out so far, as notes of its job: sums of the parts that are read, keys that differed at a first
 * look, and differences. All are of one run, and say the same however often a part is done again.
 */

/** A key that differs. */
export type FoundDifference = {
  readonly key: string
  readonly is: Divergence | 'unsettled'
  /** How its records stand to each other, where it is listed elsewhere as well. */
  readonly relation?: Divergence | undefined
  /** The fields that differ, by their names in JSON. */
  readonly fields: readonly string[]
  /** The versions, in decimal; absent where a side has nothing, or nothing that can be read. */
  readonly aurora?: string | undefined
  readonly dynamo?: string | undefined
  readonly owner?: string | undefined
}

/** How far a part is, and what it has in each bucket. */
export type PartSums = { readonly sums: BucketSums; readonly next: string | undefined }

/** Calls at once. */
const LANES = 16

/** @typeParam D what it notes of a key that differs */
export class VerificationLedger<D extends FoundKey> {
  readonly #notes: JobNotes
  readonly #job: string
  readonly #run: string
  readonly #buckets: number
  readonly #read: (note: Item) => { readonly found: D }

  /**
   * @param of.run when it began: what tells it from earlier ones
   * @param found the form of what it notes of a key that differs
   */
  constructor(
    notes: JobNotes,
    { job, run, buckets }: { readonly job: string; readonly run: string; readonly buckets: number },
    found: z.ZodType<D>,
  ) {
    this.#notes = notes
    this.#read = itemReader(z.object({ found: asJson.pipe(found) }), foreign)
    this.#job = job
    this.#run = run
    this.#buckets = buckets
  }

  /** @throws DynamoError, DeadlineError, ForeignJobItemError, as all of these methods */
  async sums(step: string, part: number): Promise<PartSums | undefined> {
    const note = await this.#notes.read(this.#job, this.#nameOfSums(step, part))
    if (note === undefined) return undefined
    const { sums, next } = readSums(note)
    return { sums: this.#sumsOf(sums), next }
  }

  /** @param next where the part goes on; undefined: at its end */
  async keepSums(step: string, part: number, { sums, next }: PartSums): Promise<void> {
    await this.#notes.put(this.#job, this.#nameOfSums(step, part), {
      sums: { B: sums.toBytes() },
      ...(next !== undefined && { next: { S: next } }),
    })
  }

  /** Those of all parts together. */
  async allSums(step: string, parts: number): Promise<BucketSums> {
    const all = new BucketSums(this.#buckets)
    for (let part = 0; part < parts; part++) {
      const one = await this.sums(step, part)
      if (one === undefined)
        throw new ForeignJobItemError(`The sums of part ${part} of ${this.#job} are gone: begin anew`)
      all.merge(one.sums)
    }
    return all
  }

  /** Keys to be looked at once more. */
  async suspect(keys: readonly string[]): Promise<void> {
    await inLanes(keys, LANES, (key) =>
      this.#notes.put(this.#job, this.#nameOf('suspect', key), { key: { S: key } }),
    )
  }

  /** All of these, page by page. */
  async *suspects(): AsyncGenerator<readonly string[]> {
    for await (const page of this.#notes.list(this.#job, `suspect#${this.#run}#`))
      yield page.map((note) => readKey(note).key)
  }

  /** They have been looked at. */
  async acquit(keys: readonly string[]): Promise<void> {
    await inLanes(keys, LANES, (key) => this.#notes.remove(this.#job, this.#nameOf('suspect', key)))
  }

  async found(differences: readonly D[]): Promise<void> {
    await inLanes(differences, LANES, (difference) =>
      this.#notes.put(this.#job, this.#nameOf('difference', difference.key), {
        found: { S: JSON.stringify(difference) },
      }),
    )
  }

  /** All differences, page by page, in no order. */
  async *differences(): AsyncGenerator<readonly D[]> {
    for await (const page of this.#notes.list(this.#job, `difference#${this.#run}#`))
      yield page.map((note) => this.#read(note).found)
  }

  /** How many there are of each kind, and of those that are of none: these have not settled. @param none 0 of each kind */
  async counts<K extends string>(
    none: Readonly<Record<K, number>>,
  ): Promise<{ readonly differences: Readonly<Record<K, number>>; readonly unsettled: number }> {
    const differences: Record<K, number> = { ...none }
    let unsettled = 0
    for await (const page of this.differences())
      for (const { is } of page)
        if (isKind(none, is)) differences[is] += 1
        else unsettled += 1
    return { differences, unsettled }
  }

  #nameOfSums(step: string, part: number): string {
    return `sums#${this.#run}#${step}#${String(part).padStart(6, '0')}`
  }

  /** A key may be longer than what is left of a name. */
  #nameOf(what: string, key: string): string {
    return `${what}#${this.#run}#${hash('sha256', key).slice(0, 32)}`
  }

  #sumsOf(bytes: Uint8Array): BucketSums {
    try {
      return BucketSums.fromBytes(bytes, this.#buckets)
    } catch (cause) {
      throw foreign(cause)
    }
  }
}

const isKind = <K extends string>(kinds: Readonly<Record<K, number>>, is: string): is is K =>
  Object.hasOwn(kinds, is)

const foreign = (cause: unknown): Error =>
  new ForeignJobItemError("A note of the jobs' table is not a verification's", { cause })

const bytes = z.object({ B: z.instanceof(Uint8Array) }).transform(({ B }) => B)

const readSums = itemReader(
  z.object({ sums: bytes, next: asText.optional() }).transform(({ sums, next }) => ({ sums, next })),
  foreign,
)
const readKey = itemReader(z.object({ key: asText }), foreign)

/** The form of a key that differs. */
export const foundDifference: z.ZodType<FoundDifference> = z.object({
  key: z.string(),
  is: z.enum([...DIVERGENCES, 'unsettled']),
  relation: z.enum(DIVERGENCES).optional(),
  fields: z.array(z.string()),
  aurora: z.string().optional(),
  dynamo: z.string().optional(),
  owner: z.string().optional(),
})
