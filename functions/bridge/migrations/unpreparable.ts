import { withoutLiterals } from './statement-kind.ts'

const PROGRAMS = ['TRIGGER', 'PROCEDURE', 'FUNCTION', 'EVENT']
const OTHERS = ['TABLE', 'VIEW', 'INDEX', 'DATABASE', 'SCHEMA', 'USER', 'ROLE', 'SERVER']
/** What CREATE, ALTER or DROP can't name: the first of these words behind the verb is what the statement is about. */
const BY_OBJECT: Readonly<Record<string, readonly string[]>> = {
  CREATE: [...PROGRAMS, 'SERVER', 'ROLE'],
  ALTER: [...PROGRAMS, 'VIEW', 'DATABASE', 'SCHEMA', 'SERVER'],
  DROP: [...PROGRAMS, 'SERVER', 'ROLE'],
}
const BY_WORDS =
  /^(?:BEGIN|START TRANSACTION|SAVEPOINT|RELEASE|XA|LOCK|UNLOCK|LOAD (?:DATA|XML)|CHECK TABLE|HANDLER|PREPARE|EXECUTE|DEALLOCATE|SIGNAL|USE)\b/

/**
 * Whether MySQL refuses to prepare a statement (errno 1295), and with it the Data API, which prepares each.
 *
 * @see https://dev.mysql.com/doc/refman/8.0/en/sql-prepared-statements.html
 */
export const isUnpreparable = (statement: string): boolean => {
  // As mysqldump writes a trigger: each part of its head is in a comment of its own.
  const bare = withoutLiterals(statement).replaceAll(/\/\*!\d*|\*\//g, ' ')
  const words = bare.toUpperCase().match(/[`\w$]+/g) ?? []
  const [verb = '', ...rest] = words
  const refused = Object.hasOwn(BY_OBJECT, verb) ? BY_OBJECT[verb] : undefined
  if (refused === undefined) return BY_WORDS.test(words.join(' '))
  const object = rest.find((word) => PROGRAMS.includes(word) || OTHERS.includes(word))
  return object !== undefined && refused.includes(object)
}
