import * as z from 'zod'
import { badRequest } from '../../bridge/http/problem.ts'
import { place } from './user.ts'

const schema = z.object({ state: place, city: place.optional() })

/** Whose users are wanted: a state's, or a city's in it. */
export type UserQuery = Readonly<z.infer<typeof schema>>

/**
 * Reads `state` and `city`.
 *
 * @throws Problem 400 naming what is missing or can't be
 */
export const readUserQuery = (query: Readonly<Record<string, string>>): UserQuery => {
  const parsed = schema.safeParse(query)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path: [name], message }) => `${String(name)} ${message}`)
  throw badRequest('invalid-query', `${faults.join('; ')}.`)
}
