import { compareSides, type Round } from '../../../../functions/bridge/compare/compare-sides.ts'
import { repeatCompare } from '../../../../functions/bridge/compare/repeat-compare.ts'
import { figure, told } from '../../../../functions/bridge/runtime/figure.ts'
import type { Context } from '../../conventions/command.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { Progress } from '../../conventions/progress.ts'
import { printJsonLines, printLine } from '../../conventions/results.ts'
import { apiOf, ownerOfKey } from '../../target/open-compare.ts'
import { requireBothKept } from '../../target/require-kept.ts'
import type { Compared } from './compared.ts'
import { jsonOf, print } from './print.ts'
import { type CompareOptions, type Wanted, wantedOf } from './wanted.ts'

/** How long whose a key is may be looked for, in milliseconds: it is beside what was asked. */
const OWNER_LIMIT = 20_000

/**
 * Asks all sides the same, request by request.
 *
 * @throws CliError with exit code 2 for what can't be read, 4 for what may change something: nothing was asked then
 */
export const runCompare = async (
  context: Context,
  args: readonly (string | undefined)[],
  options: CompareOptions,
): Promise<ExitCode> => {
  const { io, json, target } = context
  const { wanted, passedOver } = await wantedOf(args, options)
  for (const { of } of wanted) await requireBothKept(context, of.entity)
  const base = options.url?.replace(/\/+$/, '') ?? apiOf(target)
  const verdicts: Round['verdict'][] = []
  for (const [at, one] of wanted.entries()) {
    if (!json && at > 0) printLine(io, '')
    const compared = await compareOne(context, base, one, options.repeat)
    verdicts.push(...verdictsOf(compared))
    if (json) printJsonLines(io, [jsonOf(compared)])
    else print(io, compared)
  }
  if (passedOver > 0) {
    const passed =
      passedOver === 1
        ? '1 request that may change something was'
        : `${passedOver} requests that may change something were`
    io.stderr.write(`${passed} passed over\n`)
  }
  if (verdicts.includes('failed')) return EXIT.failed
  return verdicts.every((verdict) => verdict === 'equal') ? EXIT.done : EXIT.differences
}

const compareOne = async (
  { io, target, interrupt: signal }: Context,
  base: string,
  wanted: Wanted,
  times: number | undefined,
): Promise<Compared> => {
  const { of, method, headers } = wanted
  const { entity, key } = of
  const asked =
    key === undefined ? undefined : await figure(() => ownerOfKey(target, entity, key), OWNER_LIMIT)
  const known = asked && told(asked)
  const asking = { base, method, headers, signal, owner: known?.owner }
  const owner = asked && ('unknown' in asked ? `not known: ${asked.unknown}` : asked.value.is)
  if (times === undefined)
    return { wanted, owner, round: await compareSides(of, asking), repeated: undefined }
  const progress = new Progress(io, 'rounds', { total: times })
  try {
    const repeated = await repeatCompare(of, asking, { times, onRound: () => progress.advance(1) })
    return { wanted, owner, round: repeated.shown, repeated }
  } finally {
    progress.end()
  }
}

const verdictsOf = ({ round, repeated }: Compared): readonly Round['verdict'][] => {
  if (repeated === undefined) return [round.verdict]
  const { equal, behind, different, failed } = repeated.verdicts
  return [
    ...(failed > 0 ? (['failed'] as const) : []),
    ...(behind + different > 0 ? (['different'] as const) : []),
    ...(equal > 0 ? (['equal'] as const) : []),
  ]
}
