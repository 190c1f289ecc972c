import type { Checkpoints } from './checkpoints.ts'
import type { Progress } from './progress.ts'

/**
 * Brings a shard's progress into the checkpoint file, one write at a time: deliveries go on meanwhile, and steps that
 * come while a write is under way are one write together. A crash before it delivers again, and skips nothing.
 */
export class Checkpointer {
  readonly #shardId: string
  readonly #progress: Progress
  readonly #checkpoints: Checkpoints
  readonly #failed: (error: unknown) => void
  #saved: string | undefined
  #saving: Promise<void> | undefined

  /** @param failed told when the file can't be written; the position stays unsaved */
  constructor(
    shardId: string,
    progress: Progress,
    checkpoints: Checkpoints,
    failed: (error: unknown) => void,
  ) {
    this.#shardId = shardId
    this.#progress = progress
    this.#checkpoints = checkpoints
    this.#failed = failed
    this.#saved = progress.position
  }

  /** Says that the position may have moved. */
  moved(): void {
    this.#saving ??= this.#save()
      .catch(this.#failed)
      .finally(() => {
        this.#saving = undefined
      })
  }

  /** Resolves once the position is in the file, or could not be written. */
  async settled(): Promise<void> {
    this.moved()
    await this.#saving
  }

  async #save(): Promise<void> {
    for (;;) {
      const { position } = this.#progress
      if (position === undefined || position === this.#saved) return
      await this.#checkpoints.advance(this.#shardId, position)
      this.#saved = position
    }
  }
}
