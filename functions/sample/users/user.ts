import * as z from 'zod'
import { invalidBody } from '../../bridge/http/body.ts'
import { expecting } from '../../bridge/model/attributes/attribute.ts'
import { isMap, type Value } from '../../bridge/model/values.ts'

/** Text of 1 to `most` characters, counted as code points. DynamoDB would silently replace a lone surrogate. */
const text = (most: number) =>
  z
    .string({ error: expecting('a string') })
    .min(1, 'must not be empty')
    .refine((value) => [...value].length <= most, `must not be longer than ${most} characters`)
    .refine((value) => value.isWellFormed(), 'must be well-formed Unicode')

/** The name of a state or of a city. */
export const place = text(100)

const schema = z.strictObject({
  email: z
    .email({ error: expecting('an e-mail address') })
    .max(254, 'must not be longer than 254 characters'),
  state: place,
  city: place,
  zipcode: text(20),
})

/** A user, as clients and the table have it. The e-mail address is its key, as it was sent. */
export type User = Readonly<z.infer<typeof schema>>

/** A valid body, for people and for commands to paste. */
export const exampleUser: User = {
  email: 'alice@example.com',
  state: 'WA',
  city: 'Seattle',
  zipcode: '98101',
}

/**
 * Checks a body.
 *
 * @throws Problem 400 naming every fault
 */
export const readUser = (body: Value): User => {
  const parsed = schema.safeParse(isMap(body) ? body : undefined)
  if (parsed.success) return parsed.data
  throw invalidBody('user', parsed.error)
}
