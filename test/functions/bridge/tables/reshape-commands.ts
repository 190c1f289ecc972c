import fc from 'fast-check'
import type { Verdict } from '../../../support/fault-proxy.ts'

/** Where a request may fail. Those that make the caller wait are rare: the waits are real. */
const verdict: fc.Arbitrary<Verdict> = fc.oneof(
  { weight: 20, arbitrary: fc.constant<Verdict>('pass') },
  { weight: 2, arbitrary: fc.constantFrom<Verdict[]>('conflict', 'drop-answer', 'drop') },
  { weight: 1, arbitrary: fc.constantFrom<Verdict[]>('throttle', 'busy') },
)

/** `ghost`: the call is cut off, and reaches DynamoDB late. */
export type Fault = Verdict | 'ghost'

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h')
const HOUR = 3_600_000

const write = fc.record({
  do: fc.constant('put' as const),
  id,
  group: fc.constantFrom('g1', 'g2', 'g3', 'g4'),
  rank: fc.constantFrom('r1', 'r2'),
  hidden: fc.nat(9).map((roll) => roll === 0),
  bad: fc.nat(9).map((roll) => roll === 0),
})
const remove = fc.record({ do: fc.constantFrom('remove' as const, 'expire' as const), id })
const advance = fc.record({
  do: fc.constant('advance' as const),
  milliseconds: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(0, 300, 1_000, 2_500) },
    { weight: 1, arbitrary: fc.constantFrom(301_000, HOUR) },
  ),
})
const deliver = fc.record({
  do: fc.constant('deliver' as const),
  lane: fc.nat(2),
  count: fc.integer({ min: 1, max: 5 }),
  fault: fc.oneof({ weight: 6, arbitrary: verdict }, { weight: 1, arbitrary: fc.constant<Fault>('ghost') }),
})
const again = fc.record({
  do: fc.constant('again' as const),
  from: fc.nat(50),
  count: fc.integer({ min: 1, max: 4 }),
})
const step = fc.record({ do: fc.constant('step' as const), pick: fc.nat(3), verdict })
const crash = fc.record({ do: fc.constant('crash' as const) })
const ghost = fc.record({ do: fc.constant('ghost' as const), pick: fc.nat(3) })

const command = fc.oneof(
  { weight: 6, arbitrary: write },
  { weight: 3, arbitrary: remove },
  { weight: 3, arbitrary: advance },
  { weight: 4, arbitrary: deliver },
  { weight: 1, arbitrary: again },
  { weight: 8, arbitrary: step },
  { weight: 1, arbitrary: crash },
  { weight: 1, arbitrary: ghost },
)

/** What happens to a source, its stream and a backfill of it, one after the other. */
export type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

/** @param most how many at the most */
export const commands = (most: number): fc.Arbitrary<readonly Command[]> =>
  fc.array(command, { minLength: 10, maxLength: most, size: 'max' })
