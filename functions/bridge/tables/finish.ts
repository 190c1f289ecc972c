import { TableNotReadyError } from './errors.ts'
import type { FillParts } from './fill.ts'
import { fillCommandOf, requireFollowing } from './following.ts'
import type { Projection } from './projection.ts'
import { readTableState } from './table-state.ts'

/**
 * Whether a reshape may be finished: its table follows, is filled, and nothing of it is parked.
 *
 * @throws TableFinishedError, TableNotReadyError
 */
export const requireReady = async (projection: Projection, parts: FillParts): Promise<void> => {
  await requireFollowing(projection, parts.sync.states)
  const { name, state, parked } = await readTableState(projection, parts)
  const refuse = (why: string, cure: string): never => {
    throw new TableNotReadyError(`${name} can't be finished: ${why}`, cure)
  }
  if (state === 'filling')
    refuse('it is being filled', `wait for it: npx backsync ${projection.kind} status ${name}`)
  if (state !== 'filled') refuse('it is not filled yet', `fill it: ${fillCommandOf(projection)}`)
  if (parked > 0)
    refuse(`${parked} of its changes are parked`, `see npx backsync parked list --entity ${name}`)
}

/**
 * Ends a reshape: the stream's changes are no longer for its table. Whoever compared the two tables and asked before took
 * some time for it: whether it may be finished is looked at once more.
 *
 * @param by who finishes it, for people to read
 * @throws TableFinishedError, TableNotReadyError
 */
export const finishTable = async (projection: Projection, parts: FillParts, by: string): Promise<void> => {
  await requireReady(projection, parts)
  await parts.sync.states.finish(projection.name, by, parts.sync.now())
}
