import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as z from 'zod'
import { codeOf } from '../../errors/thrown.ts'

const fileSchema = z.object({
  streamArn: z.string(),
  /** Epoch milliseconds at which the mapping first saw the stream: what LATEST means after a restart. */
  startedAt: z.number(),
  shards: z.record(z.string(), z.object({ after: z.string().optional(), finished: z.boolean().optional() })),
})

type Contents = z.infer<typeof fileSchema>

/** How far one mapping has come in one shard. */
export type Position = Contents['shards'][string]

/** A checkpoint file that is there but cannot be read: going on without it would deliver everything again. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError'
  readonly code = 'streams.checkpoint'
}

/** The positions of one mapping in one stream, kept in a file that is replaced as a whole at each change. */
export class Checkpoints {
  readonly #file: string
  readonly #contents: Contents
  readonly resumed: boolean
  #writing: Promise<void> = Promise.resolve()
  #waiting: Promise<void> | undefined

  private constructor(file: string, contents: Contents, resumed: boolean) {
    this.#file = file
    this.#contents = contents
    this.resumed = resumed
  }

  /**
   * Opens the file, or starts anew when there is none, or when it belongs to another stream (a table that was created
   * again has a new one, and positions don't carry over).
   *
   * @throws CheckpointError when the file is damaged
   */
  static async open(file: string, streamArn: string, now: number): Promise<Checkpoints> {
    const fresh: Contents = { streamArn, startedAt: now, shards: {} }
    let text: string
    try {
      text = await readFile(file, 'utf8')
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      const checkpoints = new Checkpoints(file, fresh, false)
      await checkpoints.#save()
      return checkpoints
    }
    let contents: Contents
    try {
      contents = fileSchema.parse(JSON.parse(text))
    } catch (cause) {
      throw new CheckpointError(`${file} is damaged; move it away to deliver the whole stream again`, {
        cause,
      })
    }
    if (contents.streamArn === streamArn) return new Checkpoints(file, contents, true)
    const checkpoints = new Checkpoints(file, fresh, false)
    await checkpoints.#save()
    return checkpoints
  }

  get startedAt(): number {
    return this.#contents.startedAt
  }

  position(shardId: string): Position | undefined {
    return this.#contents.shards[shardId]
  }

  /** Resolves once it is in the file. */
  async advance(shardId: string, after: string): Promise<void> {
    this.#contents.shards[shardId] = { ...this.#contents.shards[shardId], after }
    await this.#save()
  }

  async finish(shardId: string): Promise<void> {
    this.#contents.shards[shardId] = { ...this.#contents.shards[shardId], finished: true }
    await this.#save()
  }

  /** Forgets shards that the stream no longer lists. */
  async retain(shardIds: ReadonlySet<string>): Promise<void> {
    const gone = Object.keys(this.#contents.shards).filter((id) => !shardIds.has(id))
    if (gone.length === 0) return
    for (const id of gone) delete this.#contents.shards[id]
    await this.#save()
  }

  /**
   * One write at a time, each with all that is known when it starts: never an older state over a newer one. Those who
   * come while a write is under way share the next one.
   */
  #save(): Promise<void> {
    this.#waiting ??= this.#write()
    return this.#waiting
  }

  #write(): Promise<void> {
    const next = this.#writing.then(async () => {
      this.#waiting = undefined
      await mkdir(dirname(this.#file), { recursive: true })
      const temporary = `${this.#file}.new`
      await writeFile(temporary, JSON.stringify(this.#contents))
      await rename(temporary, this.#file)
    })
    // A failed write is the caller's to hear of, not the next one's.
    this.#writing = next.catch(() => undefined)
    return next
  }
}
