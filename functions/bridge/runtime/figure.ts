import { BridgeError } from '../model/errors.ts'

/** What was asked of a source that may fail alone: its answer, or why there is none. */
export type Figure<T> = { readonly value: T } | { readonly unknown: string }

/**
 * Asks one of several sources, so that the others are told of whatever becomes of it.
 *
 * @param within so many milliseconds are waited for it at most. What it has begun goes on, and ends by bounds of its own
 * @returns `unknown`, with the reason, when it fails or takes longer
 */
export const figure = async <T>(ask: () => Promise<T>, within: number): Promise<Figure<T>> => {
  const { promise, resolve } = Promise.withResolvers<Figure<T>>()
  const timer = setTimeout(
    () => resolve({ unknown: `no answer within ${Math.round(within) / 1_000} s` }),
    within,
  )
  try {
    return await Promise.race([answerOf(ask), promise])
  } finally {
    clearTimeout(timer)
  }
}

/** What is thrown before it waits counts as its answer, too. */
const answerOf = async <T>(ask: () => Promise<T>): Promise<Figure<T>> => {
  try {
    return { value: await ask() }
  } catch (error) {
    return { unknown: reasonOf(error) }
  }
}

/** The value of a figure; undefined where that isn't known. */
export const told = <T>(of: Figure<T>): T | undefined => ('value' in of ? of.value : undefined)

const reasonOf = (error: unknown): string => {
  if (error instanceof BridgeError) return `${error.message} (${error.code})`
  return error instanceof Error ? error.message : String(error)
}
