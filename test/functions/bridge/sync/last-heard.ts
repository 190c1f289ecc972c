import { type Change, coalesce } from '../../../../functions/bridge/model/change.ts'
import { InvalidRecordError } from '../../../../functions/bridge/model/errors.ts'
import { nothingApplied, type PartialOutcome } from '../../../../functions/bridge/model/outcome.ts'
import type { Sink } from '../../../../functions/bridge/ports/sink.ts'

/** What a store has to bring along: this, and a source. It keeps when each dish was last heard of, and no soup. */
export class LastHeard implements Sink {
  readonly names = ['dish']
  readonly heard = new Map<string, { version: bigint; gone: boolean }>()
  soups = false

  async applyIsolating(_: string, changes: readonly Change[]): Promise<PartialOutcome> {
    const newest = coalesce(changes)
    const refused = newest.filter(({ key }) => key === 'soup' && !this.soups)
    const late = newest.filter(({ key, version }) => (this.heard.get(key)?.version ?? 0n) >= version)
    const fresh = newest.filter((change) => !refused.includes(change) && !late.includes(change))
    for (const { key, version, op } of fresh) this.heard.set(key, { version, gone: op === 'delete' })
    return {
      ...nothingApplied,
      applied: fresh.length,
      skipped: late.length,
      refused: refused.map((change) => ({ change, error: new InvalidRecordError('no soup') })),
    }
  }

  isLater = async ({ key, version }: Change): Promise<boolean> =>
    (this.heard.get(key)?.version ?? 0n) > version
}
