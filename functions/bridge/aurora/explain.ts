import { DataApiError } from '../drivers/data-api/errors.ts'
import { SqlError } from '../drivers/sql-errors.ts'
import { writerOf } from '../model/columns.ts'
import type { Entity } from '../model/entity.ts'
import type { BrokenRule } from '../model/errors.ts'
import { BrokenRuleError } from './refusals.ts'

/** An error whose broken rule is about a column, with the attribute that is kept in it; any other as it is. */
export const explained = <E>(entity: Entity, error: E): E | BrokenRuleError => {
  if (!(error instanceof SqlError) || error.broken?.column === undefined) return error
  const statement = error instanceof DataApiError ? (error.statement ?? '') : ''
  const place = placeOf(entity, error.broken.column.toLowerCase(), statement)
  return place === undefined ? error : new BrokenRuleError({ ...error.broken, ...place }, error)
}

/**
 * The attribute of a column, or the list whose members' table has it, by their names in JSON. Names of columns are the same
 * in any case.
 */
const placeOf = (
  entity: Entity,
  column: string,
  statement: string,
): Pick<BrokenRule, 'attribute' | 'member'> | undefined => {
  const holds = (attributes: Entity['attributes']): string | undefined => {
    const [name, found] = writerOf(column, attributes) ?? []
    return found?.as ?? name
  }
  for (const [name, child] of Object.entries(entity.children)) {
    if (!statement.startsWith(`INSERT INTO \`${child.table}\``)) continue
    const member = holds(child.attributes)
    return member === undefined ? undefined : { attribute: child.as ?? name, member }
  }
  const attribute = holds(entity.attributes)
  return attribute === undefined ? undefined : { attribute }
}
