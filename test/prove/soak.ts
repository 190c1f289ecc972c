import { runProgram } from './child.ts'
import type { Proved, Proving } from './plan.ts'

/** What a soak takes beside its writing: the start of a stack, quiet after the last write, the comparison. */
const AROUND_MS = 75_000
/** Less doesn't see each fault. */
const LEAST_MINUTES = 1

/** One soak of the whole stack on an engine: counts as one. */
export const proveSoak = async ({ engine, ms, seed, say, signal }: Proving): Promise<Proved> => {
  const minutes = Math.max(LEAST_MINUTES, Math.round(((ms - AROUND_MS) / 60_000) * 10) / 10)
  say(`a soak of ${minutes} minutes on ${engine.name}, seed ${seed}`)
  const args = ['test/soak/main.ts', '--minutes', String(minutes), '--seed', String(seed)]
  const { code, cut } = await runProgram(args, { engine, ms: minutes * 60_000 + 8 * 60_000, signal })
  const ok = code === 0 && !cut
  if (!ok)
    say(
      `FAILED: BACKSYNC_MYSQLD=${engine.env.BACKSYNC_MYSQLD ?? ''} npm run soak -- --minutes ${minutes} --seed ${seed} repeats it`,
    )
  return ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}
