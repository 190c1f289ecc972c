import type { Batch } from '../aurora/batch.ts'
import type { CallState } from '../aurora/call-statements.ts'
import { withKnownIds } from '../aurora/known-ids.ts'
import type { Change } from '../model/change.ts'
import { type CallParts, type EndedCall, settledByDone } from './calls.ts'
import { leftCall } from './made-call.ts'
import type { CallClaim } from './under-claim.ts'

/** What is known of changes once the calls are looked at that others have left. */
type Settled = {
  readonly states: ReadonlyMap<string, CallState>
  /** Of changes that need no call any more. */
  readonly settled: ReadonlyMap<Change, EndedCall>
}

/**
 * Looks at calls that were taken over: whoever made them has not said how they ended. One that is done, as `done` tells, is
 * recorded first, since what comes now may need the row that it has made.
 */
export const settleLeft = async (
  batch: Batch,
  states: ReadonlyMap<string, CallState>,
  claim: CallClaim,
  parts: CallParts,
): Promise<Settled> => {
  const settled = new Map<Change, EndedCall>()
  const others: Change[] = []
  for (const change of batch.changes) {
    const state = states.get(change.key)
    if (state === undefined || Number(state.mine) !== 1 || Number(state.attempts) <= 1) continue
    const version = BigInt(state.called ?? '0')
    const isSame = version === change.version && state.called_op === change.op
    if (!isSame) others.push(change)
    if (isRecorded(state, version)) continue
    const ended = await settledByDone(change, leftCall(batch.entity, change.key, state), parts)
    if (ended === undefined) continue
    // What can't be told is told of the change itself.
    if (isSame || ended.is !== 'applied') {
      settled.set(change, ended)
      continue
    }
    await claim.record(batch, leftChange(change, version, state), ended.legacyId)
  }
  if (others.length === 0) return { states, settled }
  const open = new Set(others.filter((change) => !settled.has(change)))
  await claim.retarget(batch.only((change) => open.has(change)))
  return { states: await claim.read(await withKnownIds(parts.db, batch)), settled }
}

const isRecorded = ({ held, gone }: CallState, version: bigint): boolean =>
  [held, gone].some((one) => one !== null && BigInt(one) >= version)

/** What was called for, without its content: that is in the row by now. */
const leftChange = (change: Change, version: bigint, { called_at: at, called_op: op }: CallState): Change => {
  const { entity, key, source, epoch } = change
  const of = { entity, key, source, version, at: at ?? change.at, ...(epoch !== undefined && { epoch }) }
  return op === 'delete'
    ? { ...of, op }
    : { ...of, op: 'upsert', row: change.op === 'upsert' ? change.row : {} }
}
