import { entityOfConflicts } from '../model/conflict.ts'
import { kindOf } from '../model/errors.ts'
import { isWaiting } from '../ports/parking.ts'
import { type Applied, applyAll, type Verdict } from './apply.ts'
import type { Evidence } from './evidence.ts'
import type { Mirror } from './mirror.ts'
import { settleEnded } from './settle-ended.ts'
import { readHeads, supersede } from './supersede.ts'
import { leaveBehind, recheck, rejoin, rejoinCircles, sweep, unpark } from './unpark.ts'

/** A mirror's patience, where it has none of its own: a parent is seldom further behind than two polls of its shard. */
const PATIENCE = [0, 100, 300] as const

/** Keys that a line of the log names. */
const KEYS_NAMED = 20

/**
 * Applies what comes from a source that is followed: a stream, a log of changes. Beside that it ends the parking of what
 * a later change has overtaken, and tries again what has waited for one of these.
 *
 * @returns one verdict for each, in that order. What is to come `again` may be brought with what came behind it: the
 *   store's own guard makes that harmless
 * @throws BridgeError when the store can't be reached, or when it or parking is not set up: then all of it is to come again
 */
export const follow = async (evidence: readonly Evidence[], mirror: Mirror): Promise<readonly Verdict[]> => {
  const ended = await settleEnded(evidence, mirror)
  if (ended.size === 0) return followOpen(evidence, mirror)
  const open = evidence.filter((one) => !ended.has(one))
  const verdicts = (await followOpen(open, mirror)).values()
  return evidence.map((one) => (ended.has(one) ? 'settled' : (verdicts.next().value ?? 'again')))
}

/** As `follow`, where none of it is of a route that is complete. */
const followOpen = async (evidence: readonly Evidence[], mirror: Mirror): Promise<readonly Verdict[]> => {
  const { log } = mirror
  // What is parked already is read before anything is applied: what this batch parks itself must not count.
  const heads = readHeads(evidence, mirror)
  // Awaited below; a failure before that must not end the process.
  heads.catch(() => undefined)

  const applied = await applyAll(evidence, mirror, { pauses: mirror.patience ?? PATIENCE })
  report(applied, mirror)
  const { verdicts, outcomes, refused, failure } = applied
  try {
    if (failure !== undefined) throw failure
    for (const one of refused) {
      const { entity, key, version, code, message: reason, class: errorClass } = one
      const fields = { entity, key, version: version?.toString(), code, class: errorClass, reason }
      // What is merely early is no fault yet.
      if (isWaiting(one)) log.warn('waiting', fields)
      else log.error('parked', fields)
    }
    await reclaim(refused, mirror)
    await supersede(await heads, evidence, applied, mirror)
    await recheck(evidence, outcomes, mirror)
    await leaveBehind(evidence, outcomes, mirror)
    await rejoin(outcomes, mirror)
    await rejoinCircles(outcomes, mirror)
    await unpark(outcomes, mirror)
    await sweep(mirror)
    return verdicts
  } catch (error) {
    // Nothing gets better by itself: the function must be seen to fail.
    if (kindOf(error) === 'configuration') throw error
    // What was applied stays applied. Nothing here is lost: what needs parking comes again, and what is left parked by
    // mistake is still listed.
    log.error('parking failed', { error })
    return verdicts.map((verdict) => (verdict === 'settled' && refused.length > 0 ? 'settled' : 'again'))
  }
}

/** Conflicts are set aside by then, with what both sides hold. */
const reclaim = async (refused: Applied['refused'], mirror: Mirror): Promise<void> => {
  if (mirror.reclaim === undefined || refused.length === 0) return
  const keys = Map.groupBy(refused, ({ entity }) => entityOfConflicts(entity))
  for (const [entity, of] of keys)
    if (entity !== undefined)
      await mirror.reclaim(
        entity,
        of.map(({ key }) => key),
      )
}

const report = ({ outcomes }: Applied, { metrics, log, now }: Mirror): void => {
  for (const { name, changes, applied, skipped, refused, filled } of outcomes) {
    const failed = new Set(refused.map(({ change }) => change))
    const at = now().getTime()
    for (const change of changes)
      if (!failed.has(change)) metrics.milliseconds('Lag', name, at - Date.parse(change.at))
    const [only] = changes.length === 1 ? changes : []
    log.info('applied', {
      entity: name,
      // Of a batch the counts say enough.
      ...(only !== undefined && { key: only.key, version: String(only.version) }),
      applied,
      skipped,
      refused: refused.length,
    })
    metrics.count('Filled', name, filled.rows)
    if (filled.rows > 0)
      log.warn('rows of keys that were written before were not there: they may have lost their key', {
        entity: name,
        rows: filled.rows,
        ...(filled.keys.length > 0 && { keys: filled.keys.slice(0, KEYS_NAMED) }),
      })
  }
}
