import { conflictsOf } from '../model/conflict.ts'
import { outwardParkingOf } from '../model/mirror.ts'
import { type Figure, told } from '../runtime/figure.ts'
import type { Advice, EntityStatus, Status } from './status.ts'

/** What of a status says what to do; the advice itself is made of it. */
export type EntityFigures = Omit<EntityStatus, 'blockers' | 'next'>
type WholeFigures = Omit<Status, 'entities' | 'advice'>

/** What is on its way may be so old, in milliseconds, before somebody is told: as the alarms have it. */
const LATE = 60_000
/** A verification says something of so long, in milliseconds. */
const FRESH = 24 * 3_600_000

const mend = (code: string, what: string, type: string | null): Advice => ({ code, kind: 'mend', what, type })
const waiting = (code: string, what: string, type: string | null = null): Advice => ({
  code,
  kind: 'wait',
  what,
  type,
})
const step = (code: string, what: string, type: string | null = null): Advice => ({
  code,
  kind: 'step',
  what,
  type,
})

/**
 * What is to be done about the whole of a stack, the most urgent first.
 *
 * @param on what is typed behind each command: which stack is meant
 */
export const adviceOf = (whole: WholeFigures, on = ''): readonly Advice[] => {
  const { migrations, undelivered, streams, jobs, tables } = whole
  const { pending = [], interrupted = [] } = told(migrations) ?? {}
  const batches = told(undelivered)
  const late = (told(streams) ?? []).filter(({ iteratorAge }) => iteratorAge !== null && iteratorAge > LATE)
  return [
    ...unknown({ migrations, undelivered, streams, jobs }),
    ...(interrupted.length > 0
      ? [
          mend(
            'migrations.interrupted',
            `${list(interrupted)} stopped half way: apply again, which says what to do`,
            null,
          ),
        ]
      : []),
    ...(pending.length > 0
      ? [mend('migrations.pending', `${list(pending)} not applied: deploy, or start the stack again`, null)]
      : []),
    ...(batches !== undefined && batches.batches > 0
      ? [
          mend(
            'undelivered',
            `${batches.complete ? '' : 'at least '}${counted(batches.batches, 'batch was', 'batches were')} given up`,
            `npx backsync undelivered list${on}`,
          ),
        ]
      : []),
    ...late.map(({ function: name, iteratorAge }) =>
      mend(
        'stream.late',
        `${name} gets its records ${seconds(iteratorAge ?? 0)} late: see its errors and throttles`,
        null,
      ),
    ),
    ...tables.flatMap(({ table, parked }) => [
      ...unknown({ [`parked of ${table}`]: parked }),
      ...ofParked(parked, { code: 'table.parked', name: table, on }),
    ]),
    ...(told(jobs) ?? [])
      .filter(({ state }) => state !== 'running')
      .map(({ job, state, message }) =>
        waiting(
          `job.${state}`,
          `${job} ${state === 'failed' ? `failed: ${message ?? 'see its last command'}` : 'was interrupted'}; the command that began it goes on`,
        ),
      ),
  ]
}

/** What keeps an entity from going further, the most urgent first; and what to type next. */
export const entityAdviceOf = (
  figures: EntityFigures,
  { now, on = '' }: { readonly now: number; readonly on?: string },
): Pick<EntityStatus, 'blockers' | 'next'> => {
  const last = told(figures.stage)
  if (last?.name === 'complete') return ofComplete(figures, last.settled === true, on)
  const blockers = blockersOf(figures, now, on)
  return { blockers: [...blockers], next: blockers[0] ?? nextStepOf(figures) }
}

/** Of two stores of which only one is kept there is nothing to say but what is left to be done. */
const ofComplete = (
  { entity: name, parked }: EntityFigures,
  isSettled: boolean,
  on: string,
): Pick<EntityStatus, 'blockers' | 'next'> => {
  const left = [
    ...ofConflicts(parked.conflicts, conflictsOf(name), on),
    ...ofParked(parked.toAurora, { code: 'parked', name, on }),
    ...ofParked(parked.toDynamo, { code: 'parked.outward', name: outwardParkingOf(name), on }),
  ]
  const next = isSettled
    ? step(
        'decommission',
        'complete: nothing of it is kept in Aurora any more',
        `npx backsync cutover decommission ${name}${on}`,
      )
    : step(
        'settle',
        'complete: keys are still to be found DynamoDB’s',
        `npx backsync cutover sweep ${name}${on}`,
      )
  return { blockers: left, next: left[0] ?? next }
}

const blockersOf = (figures: EntityFigures, now: number, on: string): readonly Advice[] => {
  const { entity: name, mirrored, owners, parked, log, triggers } = figures
  const known = told(owners)
  const waits = told(log)
  return [
    ...(known?.knownSince === null
      ? [
          mend(
            'owners.unknown',
            'it is not known of each key whose it is: nothing is refused for its owner, and no key changes hands',
            `npx backsync owners take ${name}${on}`,
          ),
        ]
      : []),
    ...ofTriggers(figures, on),
    ...unknown({ owners, triggers, log, 'what is parked': parked.toAurora }),
    ...unknown({ 'what is parked to DynamoDB': parked.toDynamo, conflicts: parked.conflicts }),
    // That of a route without a record is told by its triggers.
    ...('unknown' in triggers ? [] : unknown({ stage: figures.stage })),
    ...ofConflicts(parked.conflicts, conflictsOf(name), on),
    ...ofParked(parked.toAurora, { code: 'parked', name, on }),
    ...ofParked(parked.toDynamo, { code: 'parked.outward', name: outwardParkingOf(name), on }),
    ...(mirrored && waits !== undefined && waits.oldest > LATE
      ? [
          mend(
            'log.late',
            `${counted(waits.rows, 'write waits', 'writes wait')} in Aurora's log, the first for ${seconds(waits.oldest)}: see the relay's errors`,
            null,
          ),
        ]
      : []),
    ...(waits !== undefined && waits.recorded > 0
      ? [
          waiting(
            'log.recorded',
            `${counted(waits.recorded, 'write', 'writes')} of plain SQL on DynamoDB's keys to be listed`,
          ),
        ]
      : []),
    ...ofVerification(figures, now, on),
  ]
}

const ofTriggers = ({ entity, triggers, mirrored }: EntityFigures, on: string): readonly Advice[] => {
  const found = told(triggers)
  if (found === undefined) return []
  if (found.fault !== undefined) return [mend('triggers.unfit', found.fault, null)]
  const lacking = [...found.missing, ...found.changed]
  if (lacking.length > 0)
    return [
      mend(
        'triggers.missing',
        `${counted(lacking.length, 'trigger is', 'triggers are')} missing or changed: plain SQL is not seen`,
        `npx backsync mirror install ${entity}${on}`,
      ),
    ]
  if (found.needless.length === 0) return []
  const verb = mirrored ? 'install' : 'remove'
  const what = `${counted(found.needless.length, 'trigger', 'triggers')} that nothing asks for any more`
  return [mend('triggers.needless', what, `npx backsync mirror ${verb} ${entity}${on}`)]
}

const ofConflicts = (
  conflicts: EntityStatus['parked']['conflicts'],
  name: string,
  on: string,
): readonly Advice[] => {
  const found = told(conflicts)
  if (found === undefined || found.keys === 0) return []
  const what = `${atLeast(found)}${counted(found.keys, 'conflict waits', 'conflicts wait')} for somebody to decide`
  return [mend('conflicts', what, `npx backsync parked list --entity ${name}${on}`)]
}

const ofParked = (
  parked: EntityStatus['parked']['toAurora'],
  { code, name, on }: { readonly code: string; readonly name: string; readonly on: string },
): readonly Advice[] => {
  const found = told(parked)
  if (found === undefined || found.keys === 0) return []
  const [most] = found.codes
  const why = most === undefined ? '' : `, mostly ${most.code}`
  const what = `${atLeast(found)}${counted(found.keys, 'change is', 'changes are')} parked as ${name}${why}`
  const type = `npx backsync parked list --entity ${name}${on}`
  // What only waits for something else is tried by itself: it is not for anybody to mend, unless it stays.
  return found.complete && found.waiting === found.keys
    ? [waiting(`${code}.waiting`, `${what}: tried again by itself`, type)]
    : [mend(code, `${what}: mend the cause, then retry`, type)]
}

const ofVerification = (
  { entity, verification }: EntityFigures,
  now: number,
  on: string,
): readonly Advice[] => {
  if ('unknown' in verification) return unknown({ verification })
  const type = `npx backsync verify ${entity}${on}`
  const { value: last } = verification
  if (last === null) return [step('verification.never', 'never verified', type)]
  if (last.differences > 0)
    return [
      mend(
        'verification.differences',
        `verified with ${counted(last.differences, 'difference', 'differences')}`,
        type,
      ),
    ]
  if (!last.complete) return [step('verification.incomplete', 'the last verification came to no end', type)]
  const age = now - Date.parse(last.at)
  return age > FRESH ? [step('verification.stale', `verified ${seconds(age)} ago`, type)] : []
}

/** All is well: what comes then. */
const nextStepOf = ({ entity, mirrored, stage }: EntityFigures): Advice => {
  const name = told(stage)?.name
  if (!mirrored)
    return step(
      'mirror',
      `say mirror: {} in the definition of ${entity} and deploy: what Aurora accepts reaches DynamoDB then`,
    )
  return step('forward', `nothing holds it back${name === undefined ? '' : ` in stage ${name}`}`)
}

/** What is not known may be anything. */
const unknown = (figures: Readonly<Record<string, Figure<unknown>>>): readonly Advice[] =>
  Object.entries(figures).flatMap(([name, of]) =>
    'unknown' in of ? [mend('unknown', `not known: ${name}: ${of.unknown}`, null)] : [],
  )

const atLeast = ({ complete }: { readonly complete: boolean }): string => (complete ? '' : 'at least ')

const counted = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`

const list = (names: readonly string[]): string => {
  const shown = names.slice(0, 3).join(', ')
  return names.length > 3
    ? `${shown} and ${names.length - 3} more are`
    : `${shown} ${names.length === 1 ? 'is' : 'are'}`
}

/** For people: `90 s`, `3 h`. */
const seconds = (milliseconds: number): string => {
  const whole = Math.round(milliseconds / 1_000)
  if (whole < 600) return `${whole} s`
  return whole < 48 * 3_600 ? `${Math.round(whole / 3_600) || 1} h` : `${Math.round(whole / 86_400)} d`
}
