import * as z from 'zod'
import { type Parkable, parkablesOf } from '../../../../functions/bridge/parking/parkables.ts'
import { entities } from '../../../../functions/entities/index.ts'
import { projections } from '../../../../functions/tables/index.ts'
import { NEWER_THAN, OLDER_THAN } from '../../conventions/flags.ts'

/** All that changes can be parked by in this project. */
export const parkables: readonly Parkable[] = parkablesOf(
  entities,
  projections.map(({ name }) => name),
)

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

const parkedClass = z.enum(['data', 'dependency'], {
  error: ({ input }) => `unknown class ${String(input)}; known are data, dependency`,
})

/** What a list of parked changes is narrowed to; the same for all that takes one. */
export const FILTER = {
  flags: [
    {
      flags: '--class <class>',
      summary: 'only "data" (bad themselves) or "dependency" (something they refer to is missing)',
    },
    {
      flags: '--code <code>',
      summary: 'only with this reason, as the list has it; "sql.*" is all that begin so',
    },
    OLDER_THAN.flag,
    NEWER_THAN.flag,
  ],
  options: {
    class: parkedClass.optional(),
    code: z.string().optional(),
    olderThan: OLDER_THAN.value.optional(),
    newerThan: NEWER_THAN.value.optional(),
  },
} as const
