import { type Json, writable } from './attributes/attribute.ts'
import type { Row } from './change.ts'
import type { Entity } from './entity.ts'

/** A row as `/aurora` shows it, by the names that it has there, but for what the database sets. */
export const jsonRow = ({ attributes, children }: Entity, row: Row): Record<string, Json> =>
  Object.fromEntries(
    [...writable(attributes), ...Object.entries(children)].map(([name, field]) => [
      field.as ?? name,
      field.toJson(row[name] ?? null),
    ]),
  )
