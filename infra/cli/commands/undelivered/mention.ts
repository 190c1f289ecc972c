import { BridgeError } from '../../../../functions/bridge/model/errors.ts'
import type { Context } from '../../conventions/command.ts'
import { FAILURE_BUCKET, openUndelivered } from '../../target/open-undelivered.ts'

/** One page of a listing: more than this is said as "at least". */
const ENOUGH = 1_000

/**
 * Says that batches are undelivered, for whoever looks at what is parked only: in a batch that was given up as a whole
 * nothing is parked yet. It is beside what was asked, so what hinders it is said and is no failure.
 */
export const mentionUndelivered = async ({ io, target }: Pick<Context, 'io' | 'target'>): Promise<void> => {
  if (target.outputs[FAILURE_BUCKET] === undefined) return
  try {
    const count = await openUndelivered(target).count(ENOUGH)
    if (count === 0) return
    const on = target.name === 'local' ? '' : ` --stack ${target.name}`
    const batches = count === 1 ? '1 batch is' : `${count >= ENOUGH ? 'at least ' : ''}${count} batches are`
    io.stderr.write(`${batches} undelivered: see npx backsync undelivered list${on}\n`)
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error
    io.stderr.write(`whether anything is undelivered can't be told: ${error.message}\n`)
  }
}
