/**
 * `npm run prove -- [--minutes N] [--seed S] [--only PART]`: the long runs, one behind the other within a time: property
 * tests and kills from one seed after another, then the soak, careless and legacy writers, writers on both sides of the same
 * keys, and clients of facades whose routes are moved, on each database that there is: the one that `npm test` finds, and the one of BACKSYNC_MYSQLD. The last line is `N passed,
 * N failed`; what failed is said with its seed and the command that repeats just that.
 */
import { Command, InvalidArgumentError } from 'commander'
import { enginesOf } from './engines.ts'
import { factorOf, makePlan, partNames } from './plan.ts'
import { proveProperties } from './properties.ts'
import { proveBoth, proveCutover, proveField, proveSoak } from './soak.ts'

type Options = { readonly minutes: number; readonly seed: number; readonly only?: string }

const positive = (text: string): number => {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('expected a number above 0')
  return value
}
const part = (text: string): string => {
  if (!partNames.some((name) => name === text))
    throw new InvalidArgumentError(`expected one of ${partNames.join(', ')}`)
  return text
}

const { minutes, seed, only } = new Command('prove')
  .description('runs everything that is random for longer, and from other seeds, than npm test does')
  .option('--minutes <n>', 'how long in all', positive, 10)
  .option('--seed <n>', 'the first seed; the next ones count up from it', positive, Date.now() % 1_000_000)
  .option('--only <part>', partNames.join(' or '), part)
  .parse()
  .opts<Options>()

const say = (line: string): void => console.log(`[prove] ${line}`)
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

const engines = await enginesOf(process.env)
const plan = makePlan({ minutes, engines, ...(only !== undefined && { only }) })
say(
  `${minutes} minutes from seed ${seed}: ${plan.map(({ name, engine }) => `${name} on ${engine.name}`).join(', ')}`,
)
let [passed, failed] = [0, 0]
for (const { name, engine, first, ms } of plan) {
  if (stop.signal.aborted) {
    say(`skipped: ${name} on ${engine.name}`)
    failed += 1
    continue
  }
  const prove = {
    ...{ properties: proveProperties, soak: proveSoak, field: proveField },
    ...{ both: proveBoth, cutover: proveCutover },
  }[name]
  const outcome = await prove({
    engine,
    first,
    ms,
    seed,
    factor: factorOf(minutes),
    say,
    signal: stop.signal,
  })
  passed += outcome.passed
  failed += outcome.failed
}
process.exitCode = failed === 0 ? 0 : 1
console.log(`${passed} passed, ${failed} failed`)
