import type { AppliedMigration } from './ledger.ts'

/** One of the bridge's own migrations: its row among the team's, as 0.1.0 wrote it, and its place since. */
export type Former = {
  readonly id: number
  readonly name: string
  readonly now: { readonly id: number; readonly name: string }
}

/** What 0.1.0 numbered among the team's migrations. Their statements, and so their checksums, are the same. */
export const FORMERS: readonly Former[] = [
  { id: 2, name: '0002_tombstones', now: { id: 1, name: '0001_tombstones' } },
  { id: 4, name: '0004_wide_tombstones', now: { id: 2, name: '0002_wide_tombstones' } },
  { id: 7, name: '0007_idempotency', now: { id: 3, name: '0003_idempotency' } },
]

/** By its name too: a team that left one of ours out may have another of its own by that number. */
export const formerOf = ({ id, name }: { id: number; name: string }): Former | undefined =>
  FORMERS.find((former) => former.id === id && former.name === name)

/** What the two ledgers say together. */
export type Progress = {
  readonly bridge: readonly AppliedMigration[]
  readonly team: readonly AppliedMigration[]
  /** The rows that 0.1.0 wrote for the bridge's own. */
  readonly formers: readonly Former[]
  /** What is being undone of the team's. */
  readonly down: readonly AppliedMigration[]
  /** The rows of 0.1.0 hold what the bridge's own ledger doesn't yet. */
  readonly behind: boolean
}

/**
 * Tells the bridge's rows in the team's ledger from the team's own, and adds them to what the bridge's ledger knows. Of
 * two rows for one migration the further count is true: a statement that either of them knows as done is done.
 */
export const joined = (
  ofBridge: readonly AppliedMigration[],
  ofTeam: readonly AppliedMigration[],
): Omit<Progress, 'down'> => {
  const bridge = new Map(ofBridge.map((row) => [row.id, row]))
  const formers: Former[] = []
  let behind = false
  for (const row of ofTeam) {
    const former = formerOf(row)
    if (former === undefined) continue
    formers.push(former)
    const known = bridge.get(former.now.id)
    if (known !== undefined && known.done >= row.done && known.begun >= row.begun) continue
    behind = true
    bridge.set(former.now.id, {
      ...former.now,
      checksum: known?.checksum ?? row.checksum,
      done: Math.max(known?.done ?? 0, row.done),
      begun: Math.max(known?.begun ?? 0, row.begun),
      finishedAt: known?.finishedAt ?? row.finishedAt,
      // Those of 0.1.0 have none; the further count is true, so a shorter list of ours would not be.
      hashes: undefined,
      by: row.by,
      startedAt: known?.startedAt ?? row.startedAt,
    })
  }
  return {
    bridge: [...bridge.values()].sort((a, b) => a.id - b.id),
    team: ofTeam.filter((row) => formerOf(row) === undefined),
    formers,
    behind,
  }
}
