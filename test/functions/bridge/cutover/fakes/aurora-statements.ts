import type { Change, Version } from '../../../../../functions/bridge/model/change.ts'
import type { Authority, Epoch, Owner } from '../../../../../functions/bridge/model/owner.ts'
import type { Guard } from './guards.ts'
import type { Parts, RowRecord, Tombstone } from './state.ts'

type Upsert = Change & { readonly op: 'upsert' }

/** What the statements of Aurora do, of one key: each at once, with its own guard. */
export class AuroraStatements {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get row(): RowRecord | undefined {
    return this.#parts.stores.row
  }
  get tombstone(): Tombstone | undefined {
    return this.#parts.stores.tombstone
  }

  updateOlder(change: Upsert, by: Owner): number {
    const { row } = this
    if (row === undefined || !this.#isOlder(row, change, by)) return 0
    this.#parts.stores.row = { ...row, row: change.row, version: change.version, at: change.at }
    return 1
  }

  insertMissing(change: Upsert, by: Owner): number {
    const { row, tombstone } = this
    const { version, at, epoch = 0n } = change
    if (row !== undefined) return 0
    if (tombstone !== undefined) {
      const isBehind = tombstone.version >= version
      const isRefused = isBehind && (by === 'aurora' || this.#has('version-in-mirror'))
      if (isRefused || !this.#mayWrite(tombstone, change, by)) return 0
    }
    const before = tombstone?.epoch ?? 0n
    const born: Authority =
      by === 'dynamo' ? { owner: by, epoch: before > epoch ? before : epoch } : { owner: by, epoch: before }
    this.#parts.stores.row = { row: change.row, version, at, ...born }
    return 1
  }

  bury(change: Change, by: Owner): void {
    const { row, tombstone } = this
    const { version, at, epoch = 0n } = change
    if (!this.#has('tombstone')) return
    const may =
      row !== undefined
        ? this.#isOlder(row, change, by)
        : tombstone === undefined || this.#mayWrite(tombstone, change, by)
    if (!may) return
    const whose: Authority = row ?? tombstone ?? { owner: by, epoch }
    const { owner } = tombstone === undefined || whose.epoch >= tombstone.epoch ? whose : tombstone
    const isLater = tombstone === undefined || version > tombstone.version
    this.#parts.stores.tombstone = {
      version: isLater ? version : tombstone.version,
      at: isLater ? at : tombstone.at,
      owner,
      epoch: tombstone === undefined || whose.epoch > tombstone.epoch ? whose.epoch : tombstone.epoch,
    }
  }

  deleteOlder(change: Change, by: Owner): number {
    const { row } = this
    if (row === undefined || !this.#isOlder(row, change, by)) return 0
    this.#parts.stores.row = undefined
    return 1
  }

  claimAbsent({ owner, epoch }: Authority, was?: Epoch): void {
    const { row, tombstone } = this
    if (row !== undefined) return
    if (tombstone === undefined) this.#parts.stores.tombstone = { version: 0n, at: null, owner, epoch }
    else if (this.#isEarlier(tombstone, epoch) && this.#isAsRead(tombstone, was))
      this.#parts.stores.tombstone = { ...tombstone, owner, epoch }
  }

  claimTombstone({ owner, epoch }: Authority, where: (of: Tombstone) => boolean = () => true): void {
    const { tombstone } = this
    if (tombstone === undefined || !(this.#isEarlier(tombstone, epoch) && where(tombstone))) return
    this.#parts.stores.tombstone = { ...tombstone, owner, epoch }
  }

  claimRow({ owner, epoch }: Authority, where: (of: RowRecord) => boolean = () => true): void {
    const { row } = this
    if (row === undefined || !(this.#isEarlier(row, epoch) && where(row))) return
    this.#parts.stores.row = { ...row, owner, epoch }
  }

  releaseTombstone(to: Authority, was: Epoch): void {
    this.claimTombstone(to, (of) => this.#isAsRead(of, was))
  }

  releaseRow(to: Authority, was: Epoch): void {
    this.claimRow(to, (of) => this.#isAsRead(of, was))
  }

  keep(to: Authority): void {
    this.claimTombstone(to, ({ owner }) => owner !== 'dynamo')
    this.claimRow(to, ({ owner }) => owner !== 'dynamo')
  }

  restore(epoch: Epoch): void {
    const own: Authority = { owner: 'aurora', epoch }
    const { row, tombstone } = this
    if (tombstone?.epoch === epoch) this.#parts.stores.tombstone = { ...tombstone, ...own }
    if (row?.epoch === epoch) this.#parts.stores.row = { ...row, ...own }
  }

  #isEarlier(record: Authority, epoch: Epoch): boolean {
    return record.epoch < epoch || !this.#has('epoch-in-claim')
  }

  #isAsRead({ epoch }: Authority, was: Epoch | undefined): boolean {
    return was === undefined || epoch <= was || !this.#has('epoch-as-read')
  }

  #isOlder(row: RowRecord, change: Change, by: Owner): boolean {
    const isOlder = row.version < change.version || (by === 'dynamo' && !this.#has('version-in-mirror'))
    return isOlder && this.#mayWrite(row, change, by)
  }

  #mayWrite({ owner, epoch }: Authority, change: Change, by: Owner): boolean {
    if (by === 'aurora') return owner !== 'dynamo' || !this.#has('owner-in-write')
    if (owner !== 'dynamo' && this.#has('owner-in-mirror')) return false
    return epoch <= (change.epoch ?? 0n) || !this.#has('epoch-in-mirror')
  }

  #has(guard: Guard): boolean {
    return !this.#parts.out.has(guard)
  }
}

/** A version as the row that stands against a change has it. */
export const inDecimal = (version: Version | undefined): string | null =>
  version === undefined ? null : String(version)
