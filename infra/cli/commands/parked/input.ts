import * as z from 'zod'
import type { Entity } from '../../../../functions/bridge/entity.ts'
import { entities } from '../../../../functions/entities/index.ts'

/** The name of an entity that this project defines. */
export const entityName = z.string().transform((name, context): Entity => {
  const found = entities.find((entity) => entity.name === name)
  if (found !== undefined) return found
  context.addIssue({
    code: 'custom',
    message: `unknown entity ${name}; known are ${entities.map((entity) => entity.name).join(', ')}`,
  })
  return z.NEVER
})

export const parkedClass = z.enum(['data', 'dependency'], {
  error: ({ input }) => `unknown class ${String(input)}; known are data, dependency`,
})

export const CLASS_FLAG = {
  flags: '--class <class>',
  summary: 'only "data" (bad themselves) or "dependency" (something they refer to is missing)',
}
