import * as z from 'zod'
import type { Projection } from '../../../../functions/bridge/tables/projection.ts'
import { projections } from '../../../../functions/tables/index.ts'

/** The kept tables of a kind. */
export const projectionsOf = (kind: Projection['kind']): readonly Projection[] =>
  projections.filter((projection) => projection.kind === kind)

/** The name of a table that this project keeps in this way. */
export const projectionName = (kind: Projection['kind']) =>
  z.string().transform((name, context): Projection => {
    const found = projections.find((projection) => projection.name === name)
    if (found?.kind === kind) return found
    const known = projectionsOf(kind).map((projection) => projection.name)
    const all = known.length === 0 ? 'none is declared' : `known are ${known.join(', ')}`
    const message =
      found === undefined
        ? `unknown table ${name}; ${all}`
        : `${name} is kept by ${found.kind}, not by ${kind}: see backsync ${found.kind} --help`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })
