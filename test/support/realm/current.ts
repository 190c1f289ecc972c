type Callable = (...args: readonly unknown[]) => unknown

let current: object | undefined
let count = 0

/** Called before a test file is loaded. @param globals jest's functions for that file, by name */
export const useGlobals = (globals: object): void => {
  current = globals
  count += 1
}

/** Which of the worker's files it is that runs, from 1. */
export const fileNumber = (): number => count

/**
 * What is at a path in the globals of the file that runs.
 *
 * @throws Error when none does
 */
export const findGlobal = (path: readonly string[]): unknown => {
  if (current === undefined) throw new Error('no test file runs')
  return path.reduce<unknown>((value, key) => (isKeyed(value) ? Reflect.get(value, key) : undefined), current)
}

/** What passes calls on, and has the same keys: whoever goes through them (`test.prop` is made so) finds them all. */
export const passOn = (...path: readonly string[]): Callable => {
  const pass: Callable = (...args) => {
    const target = findGlobal(path)
    if (!isCallable(target)) throw new TypeError(`jest has no ${path.join('.')}`)
    return target(...args)
  }
  const target = findGlobal(path)
  const keys = isKeyed(target)
    ? Object.keys(target).filter((key) => isCallable(Reflect.get(target, key)))
    : []
  return Object.assign(pass, Object.fromEntries(keys.map((key) => [key, passOn(...path, key)])))
}

const isCallable = (value: unknown): value is Callable => typeof value === 'function'
const isKeyed = (value: unknown): value is object =>
  isCallable(value) || (typeof value === 'object' && value !== null)
