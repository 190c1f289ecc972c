import { TemplateError } from './errors.ts'

/** What intrinsic functions refer to. Each method throws TemplateError for a name that it does not know. */
export type Scope = {
  ref(name: string, path: string): unknown
  getAtt(id: string, attribute: string, path: string): unknown
  condition(name: string, path: string): boolean
  findInMap(map: string, key: string, second: string, path: string): unknown
  /** The text between `{{resolve:` and `}}`. */
  dynamicReference(reference: string, path: string): string
}

/** What `Ref: AWS::NoValue` resolves to: the property, or the element of a list, is left out. */
export const NO_VALUE = Symbol('AWS::NoValue')

/**
 * Evaluates every intrinsic function in a value of a template.
 *
 * @param path where the value stands, such as `Resources.Api.Properties`: errors name it
 * @throws TemplateError for a function that is not known, or arguments of another shape than documented
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
 */
export const resolve = (value: unknown, scope: Scope, path: string): unknown => {
  if (typeof value === 'string') return withDynamicReferences(value, scope, path)
  if (Array.isArray(value)) {
    return value.map((item, i) => resolve(item, scope, `${path}[${i}]`)).filter((item) => item !== NO_VALUE)
  }
  if (!isObject(value)) return value
  const entries = Object.entries(value)
  const [only] = entries
  if (only && entries.length === 1 && isIntrinsic(only[0])) {
    const result = evaluate(only[0], only[1], scope, `${path}.${only[0]}`)
    return typeof result === 'string' ? withDynamicReferences(result, scope, path) : result
  }
  const resolved: Record<string, unknown> = {}
  for (const [key, item] of entries) {
    const result = resolve(item, scope, `${path}.${key}`)
    if (result !== NO_VALUE) resolved[key] = result
  }
  return resolved
}

/** Every logical name that a value refers to, pseudo parameters and parameters included. */
export const referencesIn = (value: unknown): Set<string> => {
  const names = new Set<string>()
  const visit = (item: unknown): void => {
    if (Array.isArray(item)) {
      for (const element of item) visit(element)
    } else if (isObject(item)) {
      for (const [key, inner] of Object.entries(item)) {
        if (key === 'Ref' && typeof inner === 'string') names.add(inner)
        else if (key === 'Fn::GetAtt') names.add(splitAttribute(inner, key)[0])
        else {
          if (key === 'Fn::Sub') {
            const text = Array.isArray(inner) ? inner[0] : inner
            if (typeof text === 'string')
              for (const name of variablesOf(text)) names.add(name.split('.')[0] ?? name)
          }
          visit(inner)
        }
      }
    }
  }
  visit(value)
  return names
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isIntrinsic = (key: string): boolean => key === 'Ref' || key === 'Condition' || key.startsWith('Fn::')

const evaluate = (name: string, argument: unknown, scope: Scope, path: string): unknown => {
  switch (name) {
    case 'Ref':
      return scope.ref(text(argument, path), path)
    case 'Condition':
      // A property may be called Condition (as in a policy): only a name is a reference to one.
      return typeof argument === 'string'
        ? scope.condition(argument, path)
        : { Condition: resolve(argument, scope, path) }
    case 'Fn::GetAtt':
      return scope.getAtt(...splitAttribute(argument, path), path)
    case 'Fn::Join': {
      const [separator, parts] = pair(argument, path)
      const list = resolve(parts, scope, path)
      return array(list, path)
        .map((part) => text(part, path))
        .join(text(separator, path))
    }
    case 'Fn::Sub':
      return substitute(argument, scope, path)
    case 'Fn::Select': {
      const [index, list] = pair(argument, path)
      const items = array(resolve(list, scope, path), path)
      const item = items[Number(text(resolve(index, scope, path), path))]
      if (item === undefined) throw malformed(path, 'an index within the list')
      return item
    }
    case 'Fn::Split': {
      const [separator, source] = pair(argument, path)
      return text(resolve(source, scope, path), path).split(text(separator, path))
    }
    case 'Fn::If': {
      const [condition, yes, no] = array(argument, path)
      return resolve(scope.condition(text(condition, path), path) ? yes : no, scope, path)
    }
    case 'Fn::Equals': {
      const [left, right] = pair(argument, path)
      return JSON.stringify(resolve(left, scope, path)) === JSON.stringify(resolve(right, scope, path))
    }
    case 'Fn::Not':
      return !truth(array(argument, path)[0], scope, path)
    case 'Fn::And':
      return array(argument, path).every((item) => truth(item, scope, path))
    case 'Fn::Or':
      return array(argument, path).some((item) => truth(item, scope, path))
    case 'Fn::FindInMap': {
      const [map, key, second] = array(resolve(argument, scope, path), path)
      return scope.findInMap(text(map, path), text(key, path), text(second, path), path)
    }
    case 'Fn::Base64':
      return Buffer.from(text(resolve(argument, scope, path), path)).toString('base64')
    case 'Fn::GetAZs':
      return ['a', 'b', 'c'].map((zone) => `${text(scope.ref('AWS::Region', path), path)}${zone}`)
    default:
      throw new TemplateError(
        'template.unknown-intrinsic',
        path,
        `the intrinsic function ${name} is not run here`,
      )
  }
}

const substitute = (argument: unknown, scope: Scope, path: string): string => {
  const [source, variables] = Array.isArray(argument) ? pair(argument, path) : [argument, {}]
  if (!isObject(variables)) throw malformed(path, 'a map of variables')
  return text(source, path).replace(/\$\{([^}]*)\}/g, (_, name: string) => {
    if (name.startsWith('!')) return `\${${name.slice(1)}}`
    const own = variables[name]
    if (own !== undefined) return text(resolve(own, scope, path), path)
    const dot = name.indexOf('.')
    const value =
      dot < 0 ? scope.ref(name, path) : scope.getAtt(name.slice(0, dot), name.slice(dot + 1), path)
    return text(value, path)
  })
}

const variablesOf = (source: string): string[] =>
  [...source.matchAll(/\$\{([^!}][^}]*)\}/g)].map((match) => match[1] ?? '')

const withDynamicReferences = (value: string, scope: Scope, path: string): string =>
  value.replace(/\{\{resolve:([^}]+)\}\}/g, (_, reference: string) => scope.dynamicReference(reference, path))

const splitAttribute = (argument: unknown, path: string): [string, string] => {
  if (typeof argument === 'string') {
    const dot = argument.indexOf('.')
    if (dot > 0) return [argument.slice(0, dot), argument.slice(dot + 1)]
  }
  const [id, attribute] = pair(argument, path)
  return [text(id, path), text(attribute, path)]
}

const truth = (value: unknown, scope: Scope, path: string): boolean => {
  const result = resolve(value, scope, path)
  if (typeof result !== 'boolean') throw malformed(path, 'a condition')
  return result
}

const text = (value: unknown, path: string): string => {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw malformed(path, 'a text')
}

const array = (value: unknown, path: string): unknown[] => {
  if (!Array.isArray(value)) throw malformed(path, 'a list')
  return value
}

const pair = (value: unknown, path: string): [unknown, unknown] => {
  const [first, second, ...rest] = array(value, path)
  if (second === undefined || rest.length > 0) throw malformed(path, 'two arguments')
  return [first, second]
}

const malformed = (path: string, expected: string): TemplateError =>
  new TemplateError('template.malformed-property', path, `expected ${expected}`)
