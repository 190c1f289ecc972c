import { Batcher } from './batcher.ts'
import { type DeliveryPorts, deliver } from './deliver.ts'
import type { Progress, Ticket } from './progress.ts'
import type { MappingSettings } from './settings.ts'
import { Wake } from './wake.ts'

/** What a lane needs of the world. */
export type LanePorts = {
  readonly settings: MappingSettings
  readonly delivery: Omit<DeliveryPorts, 'checkpoint'>
  readonly progress: Progress
  /** Told whenever records are done with. */
  readonly moved: () => void
}

/**
 * One of the lanes in which a shard's records are delivered side by side: the items that hash to it, in the order of
 * the stream. It batches, retries and gives up for itself, so one that stands still holds up no other.
 */
export class Lane {
  readonly #ports: LanePorts
  readonly #batcher: Batcher
  readonly #news = new Wake()
  #sealed = false

  constructor(ports: LanePorts) {
    this.#ports = ports
    this.#batcher = new Batcher(ports.settings.batchSize, ports.settings.windowSeconds)
  }

  /** Takes a record; call `wake` after the last one of a page, so that they can make one batch. */
  add(ticket: Ticket): void {
    this.#batcher.add(ticket, this.#ports.delivery.clock.now())
  }

  /** Looks at its records again; also to be called when the signal of `run` aborts. */
  wake(): void {
    this.#news.wake()
  }

  /** Says that no record will come: what is there is delivered without waiting for more. */
  seal(): void {
    this.#sealed = true
    this.#news.wake()
  }

  /**
   * Delivers until it is sealed and empty, or the signal aborts.
   *
   * @throws what the failure destination throws
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports.delivery
    while (!signal.aborted) {
      const wait = this.#sealed && this.#batcher.size > 0 ? 0 : this.#batcher.dueIn(clock.now())
      if (wait === 0) await this.#deliver(this.#batcher.take(clock.now()), signal)
      else if (this.#sealed) return
      else if (wait === Number.POSITIVE_INFINITY) await this.#news.wait()
      else await this.#news.waitAtMost(wait, clock)
    }
  }

  async #deliver(batch: readonly Ticket[], signal: AbortSignal): Promise<void> {
    const { settings, delivery, progress, moved } = this.#ports
    let from = 0
    const checkpoint: DeliveryPorts['checkpoint'] = async (record) => {
      const to = batch.findIndex((ticket, index) => index >= from && ticket.record === record) + 1
      progress.done(batch.slice(from, to))
      from = Math.max(from, to)
      moved()
    }
    const records = batch.map((ticket) => ticket.record)
    await deliver(records, settings, { ...delivery, checkpoint }, signal)
  }
}
