import { runProgram } from './child.ts'
import type { Proved, Proving } from './plan.ts'

/** What a soak takes beside its writing: the start of a stack, quiet after the last write, the comparison. */
const AROUND_MS = 75_000
/** In less a soak doesn't see each fault, nor a field each story. */
const LEAST_MINUTES = { soak: 1.5, field: 1, 'soak:both': 1, 'soak:cutover': 1 }
/** What clients of facades see in a minute: moves of routes, and kills. */
const A_MINUTE = { moves: 30, kills: 6 }
/** More requests than any machine answers: it is the time that ends it. */
const ENDLESS = '1000000000'

/** One soak of the whole stack on an engine: counts as one. */
export const proveSoak = (proving: Proving): Promise<Proved> =>
  proveWith('soak', 'test/soak/main.ts', proving)

/** One run of careless and legacy writers on an engine: counts as one. */
export const proveField = (proving: Proving): Promise<Proved> =>
  proveWith('field', 'test/soak/field/main.ts', proving)

/** One run of writers on both sides of the same keys on an engine: counts as one. */
export const proveBoth = (proving: Proving): Promise<Proved> =>
  proveWith('soak:both', 'test/soak/both/main.ts', proving)

/** One run of clients of facades, whose routes are moved, on an engine: counts as one. */
export const proveCutover = (proving: Proving): Promise<Proved> =>
  proveWith('soak:cutover', 'test/soak/cutover/main.ts', proving, (minutes) => [
    ...['--requests', ENDLESS, '--moves', String(Math.ceil(minutes * A_MINUTE.moves))],
    ...['--kills', String(Math.ceil(minutes * A_MINUTE.kills))],
  ])

const proveWith = async (
  script: keyof typeof LEAST_MINUTES,
  path: string,
  { engine, ms, seed, say, signal }: Proving,
  more: (minutes: number) => readonly string[] = () => [],
): Promise<Proved> => {
  const minutes = Math.max(LEAST_MINUTES[script], Math.round(((ms - AROUND_MS) / 60_000) * 10) / 10)
  say(`${script} of ${minutes} minutes on ${engine.name}, seed ${seed}`)
  const own = ['--minutes', String(minutes), '--seed', String(seed), ...more(minutes)]
  const args = [path, ...own]
  const { code, cut } = await runProgram(args, { engine, ms: minutes * 60_000 + 8 * 60_000, signal })
  const ok = code === 0 && !cut
  if (!ok)
    say(
      `FAILED: BACKSYNC_MYSQLD=${engine.env.BACKSYNC_MYSQLD ?? ''} npm run ${script} -- ${own.join(' ')} repeats it`,
    )
  return ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}
