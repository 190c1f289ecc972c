import { DataApiError } from '../drivers/data-api/errors.ts'
import { SqlError } from '../drivers/sql-errors.ts'
import type { Entity } from '../model/entity.ts'
import { BrokenRuleError } from './refusals.ts'

/** An error whose broken rule is about a column, with the attribute that is kept in it; any other as it is. */
export const explained = <E>(entity: Entity, error: E): E | BrokenRuleError => {
  if (!(error instanceof SqlError) || error.broken?.column === undefined) return error
  const statement = error instanceof DataApiError ? (error.statement ?? '') : ''
  const attribute = attributeOf(entity, error.broken.column.toLowerCase(), statement)
  return attribute === undefined ? error : new BrokenRuleError({ ...error.broken, attribute }, error)
}

/** The attribute of a column, or the list whose members' table has it. Names of columns are the same in any case. */
const attributeOf = (entity: Entity, column: string, statement: string): string | undefined => {
  const holds = (attributes: Entity['attributes']) =>
    Object.entries(attributes).find(([, one]) => one.column.toLowerCase() === column)?.[0]
  for (const [name, child] of Object.entries(entity.children)) {
    if (!statement.startsWith(`INSERT INTO \`${child.table}\``)) continue
    const member = holds(child.attributes)
    return member === undefined ? undefined : `${name}[].${member}`
  }
  return holds(entity.attributes)
}
