import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3'
import type { Deadline } from '../../runtime/deadline.ts'
import { S3Error } from './errors.ts'

/** The longest a call may take, in milliseconds; the SDK's repeats count as one call. */
const CALL_LIMIT = 20_000
/** A call that can't have this many milliseconds is not begun. */
const CALL_NEEDS = 50

/** An object as a listing has it. */
export type ObjectHead = {
  readonly key: string
  readonly bytes: number
  /** When it was written: ISO 8601. */
  readonly modified: string
}

/** The objects of one bucket. Each call throws S3Error when it fails, DeadlineError when it has no time to begin. */
export class ObjectBucket {
  readonly name: string
  readonly #client: S3Client
  readonly #deadline: Deadline

  constructor({ client, bucket, deadline }: { client: S3Client; bucket: string; deadline: Deadline }) {
    this.name = bucket
    this.#client = client
    this.#deadline = deadline
  }

  /** What is below a prefix, in the order of the keys, up to a thousand at a time. */
  async *list(prefix: string): AsyncGenerator<readonly ObjectHead[]> {
    let from: string | undefined
    do {
      const input = {
        Bucket: this.name,
        Prefix: prefix,
        ...(from !== undefined && { ContinuationToken: from }),
      }
      const page: ListObjectsV2CommandOutput = await this.#call('ListObjectsV2', (options) =>
        this.#client.send(new ListObjectsV2Command(input), options),
      )
      yield (page.Contents ?? []).flatMap(({ Key: key, Size: bytes = 0, LastModified: at }) =>
        key === undefined ? [] : [{ key, bytes, modified: at?.toISOString() ?? '' }],
      )
      from = page.NextContinuationToken
    } while (from !== undefined)
  }

  /** An object as text; undefined when it is not there. */
  async read(key: string): Promise<string | undefined> {
    try {
      return await this.#call('GetObject', async (options) => {
        const { Body } = await this.#client.send(
          new GetObjectCommand({ Bucket: this.name, Key: key }),
          options,
        )
        return (await Body?.transformToString('utf-8')) ?? ''
      })
    } catch (error) {
      if (error instanceof S3Error && error.isAbsence) return undefined
      throw error
    }
  }

  /**
   * Gives an object another key: it is copied, and then deleted. Whoever dies in between leaves both; to do it again is
   * harmless.
   */
  async move(key: string, to: string): Promise<void> {
    // The source is a part of a header, so written as a URL is; its slashes separate.
    const source = [this.name, ...key.split('/')].map(encodeURIComponent).join('/')
    await this.#call('CopyObject', (options) =>
      this.#client.send(new CopyObjectCommand({ Bucket: this.name, Key: to, CopySource: source }), options),
    )
    await this.#call('DeleteObject', (options) =>
      this.#client.send(new DeleteObjectCommand({ Bucket: this.name, Key: key }), options),
    )
  }

  async #call<T>(
    operation: string,
    send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    this.#deadline.require(CALL_NEEDS, operation)
    try {
      return await send({ abortSignal: this.#deadline.signal(CALL_LIMIT) })
    } catch (cause) {
      throw new S3Error(operation, cause)
    }
  }
}
