import * as z from 'zod'
import { conflictsOf } from '../../../../functions/bridge/model/conflict.ts'
import { outwardParkingOf } from '../../../../functions/bridge/model/mirror.ts'
import { inOrderOfReference } from '../../../../functions/bridge/model/references.ts'
import { entities } from '../../../../functions/entities/index.ts'
import { projections } from '../../../../functions/tables/index.ts'

/**
 * What changes are parked by: an entity, by what comes from DynamoDB, or by its `mirror`, by what comes from Aurora; the conflicts
 * over its keys; or a table that is kept by another one.
 */
export type Parkable = {
  readonly name: string
  readonly kind: 'entity' | 'mirror' | 'conflicts' | 'table'
  /** What its changes name, where that is not its own name. */
  readonly of?: string
}

/** All of them; entities before those that refer to them: a parent that comes in may be what its children wait for. */
export const parkables: readonly Parkable[] = [
  ...inOrderOfReference(entities).map(({ name }) => ({ name, kind: 'entity' as const })),
  ...entities.flatMap(({ name, mirror }) =>
    mirror === undefined ? [] : [{ name: outwardParkingOf(name), kind: 'mirror' as const, of: name }],
  ),
  ...entities.map(({ name }) => ({ name: conflictsOf(name), kind: 'conflicts' as const })),
  ...projections.map(({ name }) => ({ name, kind: 'table' as const })),
]

/** Those whose changes may be tried again. */
export type Retriable = Parkable & { readonly kind: 'entity' | 'mirror' | 'table' }

export const retriables: readonly Retriable[] = parkables.flatMap(({ kind, ...one }) =>
  kind === 'conflicts' ? [] : [{ ...one, kind }],
)

/** The name of an entity or of a kept table that this project defines. */
export const parkableName = z.string().transform((name, context): Parkable => {
  const found = parkables.find((one) => one.name === name)
  if (found !== undefined) return found
  const known = parkables
    .filter(({ kind }) => kind !== 'conflicts')
    .map((one) => one.name)
    .join(', ')
  const all = known === '' ? 'none is defined' : `known are ${known}`
  context.addIssue({ code: 'custom', message: `unknown entity ${name}; ${all}` })
  return z.NEVER
})

export const parkedClass = z.enum(['data', 'dependency'], {
  error: ({ input }) => `unknown class ${String(input)}; known are data, dependency`,
})

export const CLASS_FLAG = {
  flags: '--class <class>',
  summary: 'only "data" (bad themselves) or "dependency" (something they refer to is missing)',
}
