import type { ObjectBucket } from '../drivers/s3/bucket.ts'
import { S3Error } from '../drivers/s3/errors.ts'
import { type GivenUp, readGivenUp } from './given-up.ts'
import { type Ending, endedKey, FILED, idOf, readKey } from './object-keys.ts'

/** A batch by what its object's key says. */
export type UndeliveredHead = {
  /** What it is called by: unique in the bucket. */
  readonly id: string
  /** The object's key. */
  readonly key: string
  /** When it was filed: ISO 8601. */
  readonly at: string
  readonly bytes: number
}

/** How many batches there are; `complete` is false where it was not counted further. `oldest`: ISO 8601. */
export type UndeliveredSummary = {
  readonly batches: number
  readonly complete: boolean
  readonly oldest?: string
}

/** The batches that event sources gave up on, in the failure bucket. Each method throws S3Error when the bucket can't be used. */
export class Undelivered {
  readonly #bucket: ObjectBucket

  constructor(bucket: ObjectBucket) {
    this.#bucket = bucket
  }

  /** All of them, the oldest first: of one shard that is the order of its records. */
  async heads(): Promise<readonly UndeliveredHead[]> {
    const heads: UndeliveredHead[] = []
    for await (const page of this.#bucket.list(FILED))
      for (const { key, bytes, modified } of page)
        heads.push({ id: idOf(key), key, at: readKey(key)?.at ?? modified, bytes })
    // Two of one second are told apart by when they were written, which the listing has to the second as well: the rest
    // is the guard's.
    return heads.sort((a, b) => compare(a.at, b.at) || compare(a.key, b.key))
  }

  /**
   * How many there are.
   *
   * @param most it is not counted further than this, and a little @default no bound
   */
  async count(most = Number.POSITIVE_INFINITY): Promise<number> {
    let n = 0
    for await (const page of this.#bucket.list(FILED)) {
      n += page.length
      if (n >= most) break
    }
    return n
  }

  /**
   * How many there are, and since when: by what their keys say.
   *
   * @param most no more are listed than this, and a little
   */
  async summary(most: number): Promise<UndeliveredSummary> {
    let batches = 0
    let oldest: string | undefined
    for await (const page of this.#bucket.list(FILED)) {
      batches += page.length
      for (const { key, modified } of page) {
        const at = readKey(key)?.at ?? modified
        if (oldest === undefined || at < oldest) oldest = at
      }
      if (batches >= most) return { batches, complete: false, ...(oldest !== undefined && { oldest }) }
    }
    return { batches, complete: true, ...(oldest !== undefined && { oldest }) }
  }

  /**
   * @returns undefined when it is there no more
   * @throws UnreadableBatchError
   */
  async read({ key }: Pick<UndeliveredHead, 'key'>): Promise<GivenUp | undefined> {
    const text = await this.#bucket.read(key)
    return text === undefined ? undefined : readGivenUp(text)
  }

  /** The object's own text, whatever it is; undefined when it is there no more. */
  text({ key }: Pick<UndeliveredHead, 'key'>): Promise<string | undefined> {
    return this.#bucket.read(key)
  }

  /**
   * It is undelivered no more; that somebody else has ended it is as good. It can be looked at for 90 days yet, below
   * `ended/`.
   */
  async end({ key }: Pick<UndeliveredHead, 'key'>, how: Ending): Promise<void> {
    try {
      await this.#bucket.move(key, endedKey(key, how))
    } catch (error) {
      if (!(error instanceof S3Error && error.isAbsence)) throw error
    }
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
