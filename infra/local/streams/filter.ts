/**
 * Whether a record passes the filters of a mapping: one pattern must match, in all of its fields.
 *
 * @param patterns as in `FilterCriteria.Filters[].Pattern`, parsed; none at all lets everything pass
 * @throws FilterError for an operator that Lambda does not document
 * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html, "Filter rule syntax"
 */
export const passes = (record: unknown, patterns: readonly unknown[]): boolean =>
  patterns.length === 0 || patterns.some((pattern) => matches(record, pattern))

/** A filter pattern that Lambda would refuse when the mapping is created. */
export class FilterError extends Error {
  override readonly name = 'FilterError'
  readonly code = 'streams.filter'
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const matches = (value: unknown, pattern: unknown): boolean => {
  if (Array.isArray(pattern)) {
    const values = Array.isArray(value) ? value : [value]
    return pattern.some((rule) => values.some((item) => ruleMatches(item, rule)))
  }
  if (!isObject(pattern)) throw new FilterError('a pattern ends in a list of rules')
  return Object.entries(pattern).every(([key, inner]) => {
    if (key === '$or') {
      if (!Array.isArray(inner)) throw new FilterError('$or takes a list of patterns')
      return inner.some((one) => matches(value, one))
    }
    return matches(isObject(value) ? value[key] : undefined, inner)
  })
}

const ruleMatches = (value: unknown, rule: unknown): boolean => {
  if (!isObject(rule)) return value === rule
  const [operator, argument] = Object.entries(rule)[0] ?? []
  switch (operator) {
    case 'exists':
      // Only leaves exist for Lambda: a map does not.
      return (value !== undefined && !isObject(value)) === argument
    case 'prefix':
      return typeof value === 'string' && value.startsWith(String(argument))
    case 'suffix':
      return typeof value === 'string' && value.endsWith(String(argument))
    case 'equals-ignore-case':
      return typeof value === 'string' && value.toLowerCase() === String(argument).toLowerCase()
    case 'anything-but':
      return value !== undefined && !(Array.isArray(argument) ? argument : [argument]).includes(value)
    case 'numeric':
      return typeof value === 'number' && Array.isArray(argument) && numericMatches(value, argument)
    default:
      throw new FilterError(`unknown operator ${operator}`)
  }
}

const numericMatches = (value: number, conditions: readonly unknown[]): boolean => {
  for (let i = 0; i < conditions.length; i += 2) {
    const bound = Number(conditions[i + 1])
    const holds = {
      '=': value === bound,
      '<': value < bound,
      '<=': value <= bound,
      '>': value > bound,
      '>=': value >= bound,
    }
    const operator = String(conditions[i])
    if (!(operator in holds)) throw new FilterError(`unknown numeric operator ${operator}`)
    if (!holds[operator as keyof typeof holds]) return false
  }
  return true
}
