/**
 * What was thrown, looked at by its shape. `instanceof Error` is no proof: under a test runner that isolates its files,
 * errors of Node's own modules belong to another realm.
 */
const member = (thrown: unknown, name: string): unknown =>
  typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, name) : undefined

/** The code of a system error, such as `ENOENT`. */
export const codeOf = (thrown: unknown): string | undefined => {
  const code = member(thrown, 'code')
  return typeof code === 'string' ? code : undefined
}

/** The name of an error, such as `ResourceNotFoundException`. */
export const nameOf = (thrown: unknown): string | undefined => {
  const name = member(thrown, 'name')
  return typeof name === 'string' ? name : undefined
}

export const messageOf = (thrown: unknown): string => {
  const message = member(thrown, 'message')
  return typeof message === 'string' ? message : String(thrown)
}

/** For a log: the stack where there is one. */
export const stackOf = (thrown: unknown): string => {
  const stack = member(thrown, 'stack')
  return typeof stack === 'string' ? stack : messageOf(thrown)
}
