import * as z from 'zod'
import { TemplateError } from './errors.ts'
import type { TemplateScope } from './scope.ts'

/** CloudFormation takes numbers and booleans as text too. */
export const number = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d+(\.\d+)?$/)
    .transform(Number),
])
export const boolean = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')])

/**
 * The resolved properties of a resource, checked. Only what the schema names is resolved, so a property that has no
 * local meaning can't stop the stack.
 *
 * @throws TemplateError `template.malformed-property`
 */
export const readProperties = <S extends z.ZodObject>(
  scope: TemplateScope,
  id: string,
  schema: S,
): z.infer<S> => {
  const values: Record<string, unknown> = {}
  for (const name of Object.keys(schema.shape)) {
    const value = scope.property(id, name)
    if (value !== undefined) values[name] = value
  }
  const parsed = schema.safeParse(values)
  if (parsed.success) return parsed.data
  const path = `Resources.${id}.Properties`
  throw new TemplateError('template.malformed-property', path, z.prettifyError(parsed.error), {
    cause: parsed.error,
  })
}
