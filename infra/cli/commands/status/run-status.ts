import { sleep } from '../../../../functions/bridge/runtime/retry.ts'
import { readStatus } from '../../../../functions/bridge/status/read-status.ts'
import { type Status, statusSchema } from '../../../../functions/bridge/status/status.ts'
import type { Context } from '../../conventions/command.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { isDumb } from '../../conventions/io.ts'
import { printJson, printJsonLines, printLine } from '../../conventions/results.ts'
import { openStatus } from '../../target/open-status.ts'
import { print } from './print.ts'

type Options = {
  readonly watch?: boolean | undefined
  readonly every?: number | undefined
  readonly for?: number | undefined
}

const EVERY = 5_000
/** Moves to the upper left corner and empties the screen. */
const CLEAR = '\u001b[H\u001b[2J'

/**
 * Shows where a stack stands; again and again where it is watched.
 *
 * @throws the interrupt's reason
 */
export const runStatus = async (context: Context, options: Options): Promise<ExitCode> => {
  const { io, json, target, interrupt } = context
  const { watch = false, every = EVERY, for: length = Number.POSITIVE_INFINITY } = options
  const sources = openStatus(target)
  const on = target.name === 'local' ? '' : ` --stack ${target.name}`
  const begun = performance.now()
  for (let round = 0; ; round++) {
    interrupt.throwIfAborted()
    const status = statusSchema.parse(await readStatus(sources, { now: new Date(), on }))
    if (json && watch) printJsonLines(io, [status])
    else if (json) printJson(io, status)
    else {
      if (watch && io.stdout.isTTY === true && !isDumb(io)) io.stdout.write(CLEAR)
      else if (round > 0) printLine(io, '')
      print(io, status, target.description)
    }
    const left = length - (performance.now() - begun)
    if (!watch || left <= 0) return isToMend(status) ? EXIT.differences : EXIT.done
    await sleep(Math.min(every, left), interrupt)
  }
}

const isToMend = ({ advice, entities }: Status): boolean =>
  [advice, ...entities.map(({ blockers }) => blockers)].flat().some(({ kind }) => kind === 'mend')
