import * as z from 'zod'
import type { Field } from './attributes/attribute.ts'
import type { Row } from './change.ts'
import type { Value } from './values.ts'

type MapSchema = z.ZodType<Row, Readonly<Record<string, unknown>>>

/**
 * The schemas of a map: of exactly its fields, as a client sends it, and of what an item holds. What comes out has the
 * entity's own names; a read-only field that is absent stays so.
 */
export const mapOf = (
  fields: Readonly<Record<string, Field & { readonly readOnly?: true }>>,
): { readonly body: MapSchema; readonly image: MapSchema } => {
  const entries = Object.entries(fields)
  const shape = (of: 'body' | 'image'): Record<string, z.ZodType<Value>> =>
    Object.fromEntries(entries.map(([name, field]) => [field.as ?? name, field[of]]))
  const body = z.strictObject(shape('body'))
  const image = z.object(shape('image'))
  // Most entities need none, and every row would be copied.
  if (entries.every(([, field]) => field.as === undefined && field.readOnly !== true)) return { body, image }
  const inward = (outward: Row): Row =>
    Object.fromEntries(
      entries.flatMap(([name, { as = name, readOnly = false }]) => {
        const value = outward[as] ?? null
        return readOnly && value === null ? [] : [[name, value]]
      }),
    )
  return { body: body.transform(inward), image: image.transform(inward) }
}
