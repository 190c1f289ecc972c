import type { BrokenRule } from '../model/errors.ts'

/*
 * What MySQL's texts say beside the values that they quote: which column, index, constraint or table it is about. Both
 * engines' texts are read, each from its end, where a name stands behind whatever value stands before it.
 */

/** A name as the texts have it, with what it belongs to before it: 'title', 'recipes.title', `db`.`recipes`.`title`. */
const NAME = "['`]([^'`]+(?:`\\.`[^'`]+)*)['`]"
const AT_ROW = '(?: at row -?\\d+)?$'

type Names = 'column' | 'index' | 'constraint' | 'table'
type Pattern = readonly [of: Names, pattern: RegExp]

const COLUMN: Pattern = ['column', new RegExp(`\\bfor column ${NAME}${AT_ROW}`)]

/** What each number means for the value, and where its text names what it is about. */
const RULES: ReadonlyMap<number, readonly [says: string, ...patterns: readonly Pattern[]]> = new Map([
  [1048, ['must not be NULL', ['column', new RegExp(`^Column ${NAME} cannot be null$`)]]],
  [1263, ['must not be NULL', ['column', new RegExp(`NULL supplied to NOT NULL column ${NAME}${AT_ROW}`)]]],
  [
    1364,
    ['has no default, and no value was given', ['column', new RegExp(`^Field ${NAME} doesn't have a `)]],
  ],
  [1054, ['does not exist', ['column', new RegExp(`^Unknown column ${NAME} in `)]]],
  [1146, ['does not exist', ['table', new RegExp(`^Table ${NAME} doesn't exist$`)]]],
  [1264, ['is out of range', COLUMN]],
  [1265, ['would be cut, or is none of the values that the column takes', COLUMN]],
  [1292, ['has no valid form', COLUMN]],
  [1366, ['holds characters, or has a form, that the column can not take', COLUMN]],
  [1406, ['is too long', COLUMN]],
  [1062, ['has a value that another row holds', ['index', new RegExp(` for key ${NAME}$`)]]],
  [1586, ['has a value that another row holds', ['index', new RegExp(` for key ${NAME}$`)]]],
  [3819, ['is violated', ['constraint', new RegExp(`^Check constraint ${NAME} is violated\\.?$`)]]],
  [4025, ['is violated', ['constraint', new RegExp(`^CONSTRAINT ${NAME} failed for `)]]],
  [1451, ['is still referred to', ...foreignKey()]],
  [1452, ['refers to a row that is not there', ...foreignKey()]],
  [
    3105,
    ['is generated and takes no value', ['column', new RegExp(`for generated column ${NAME} in table `)]],
  ],
  [
    1906,
    ['is generated and takes no value', ['column', new RegExp(`for generated column ${NAME} in table `)]],
  ],
  [3140, ['is no valid JSON', ['column', new RegExp(` in value for column ${NAME}\\.?$`)]]],
  [1369, ['is left by the CHECK OPTION', ['table', new RegExp(`^CHECK OPTION failed ${NAME}$`)]]],
  [
    1442,
    [
      'is in use by the statement that fired the trigger',
      ['table', new RegExp(`^Can't update table ${NAME} `)],
    ],
  ],
])

/** `db`.`child`, CONSTRAINT `name` FOREIGN KEY (`column`) REFERENCES …: it quotes no value. */
function foreignKey(): Pattern[] {
  const head = '\\(`[^`]+`\\.`[^`]+`, CONSTRAINT '
  return [
    ['table', /\(`[^`]+`\.`([^`]+)`, CONSTRAINT /],
    ['constraint', new RegExp(`${head}\`([^\`]+)\` FOREIGN KEY `)],
    ['column', new RegExp(`${head}\`[^\`]+\` FOREIGN KEY \\(\`([^\`]+)\`\\)`)],
  ]
}

/** What MySQL's identifiers can be, at most; anything else that was matched is not trusted to be one. */
const IDENTIFIER = /^[\p{L}\p{N}_$. -]{1,64}$/u

/**
 * The rule that a statement broke, as far as MySQL's text names it; undefined where it names nothing. A trigger's own
 * text is never read: its author may have put a value anywhere in it.
 */
export const brokenRuleOf = (server: {
  readonly errno: number
  readonly sqlState: string | undefined
  readonly text: string
}): BrokenRule | undefined => {
  const rule = RULES.get(server.errno)
  if (rule === undefined || server.sqlState?.startsWith('45') === true) return undefined
  const [says, ...patterns] = rule
  const names: Partial<Record<Names, string>> = {}
  for (const [of, pattern] of patterns) {
    const found = pattern.exec(server.text)?.[1]
    const name = found?.split('`.`').at(-1)
    if (name !== undefined && IDENTIFIER.test(name))
      names[of] = of === 'column' ? name.split('.').at(-1) : name
  }
  return Object.keys(names).length === 0 ? undefined : { says, ...names }
}

/** `column title is too long`, `constraint chef_of (column chef_id of recipes) refers to a row that is not there` */
export const describeRule = (rule: BrokenRule): string => {
  const { says, column, index, constraint, table } = rule
  const attribute = rule.member === undefined ? rule.attribute : `${rule.attribute}[].${rule.member}`
  const place = table === undefined ? '' : ` of ${table}`
  const where =
    constraint !== undefined
      ? `constraint ${constraint}${column === undefined ? '' : ` (column ${column}${place})`}`
      : index !== undefined
        ? `index ${index}`
        : column !== undefined
          ? attribute === undefined
            ? `column ${column}`
            : `${attribute} (column ${column})`
          : table === undefined
            ? ''
            : `table ${table}`
  return where === '' ? says : `${where} ${says}`
}
