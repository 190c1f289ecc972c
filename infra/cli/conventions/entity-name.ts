import * as z from 'zod'
import type { Entity } from '../../../functions/bridge/model/entity.ts'
import { entities } from '../../../functions/entities/index.ts'

/** The name of an entity that this project defines. */
export const entityName = z.string().transform((name, context): Entity => {
  const found = entities.find((one) => one.name === name)
  if (found !== undefined) return found
  const known = entities.map((one) => one.name).join(', ')
  const all = known === '' ? 'none is defined' : `known are ${known}`
  context.addIssue({ code: 'custom', message: `unknown entity ${name}; ${all}` })
  return z.NEVER
})
