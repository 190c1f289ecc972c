import { TableFinishedError } from './errors.ts'
import type { Projection } from './projection.ts'
import type { DynamoStates } from './states.ts'

/**
 * Makes sure that a table's stream keeps it: what is filled in beside no stream would be out of date at once.
 *
 * @param options `again`: whether one that is finished may be made to follow again
 * @returns whether it is finished, and has to follow again first
 * @throws TableFinishedError
 */
export const requireFollowing = async (
  { name, kind }: Projection,
  states: DynamoStates,
  { again = false }: { readonly again?: boolean } = {},
): Promise<boolean> => {
  const { state, finishedAt, by } = await states.read(name)
  if (state !== 'finished') return false
  if (again) return true
  throw new TableFinishedError(
    `${name} is finished since ${finishedAt ?? '?'} (by ${by ?? '?'}): its stream's changes are no longer for it`,
    `${fillCommandOf({ name, kind })} --again makes it follow and fills it anew`,
  )
}

/** The command that fills a kept table. */
export const fillCommandOf = ({ name, kind }: Pick<Projection, 'name' | 'kind'>): string =>
  `npx backsync ${kind} ${kind === 'reshape' ? 'start' : 'fill'} ${name}`
