import { isPlainObject } from './exact-json.ts'
import type { Meaning } from './legacy-function.ts'

/** Statuses that say that the same may succeed later, beside all of the server's own. */
const AGAIN: ReadonlySet<number> = new Set([408, 425, 429])
/** Statuses that say that something else has to come or go first. */
const WAITS: ReadonlySet<number> = new Set([409, 424])

/**
 * What an answer of a function behind an API means, by its `statusCode`: 2xx applied; 408, 425, 429 and 5xx again; 409 and
 * 424 waits; any other refused. What has no such status is nonsense, and refused.
 *
 * @param idOf takes the id of a row that was made from the body, where rows are counted: text, or what it holds as JSON
 */
export const meaningOfApi = (
  answer: unknown,
  idOf: (body: unknown) => string | number | bigint | undefined = () => undefined,
): Meaning => {
  const status = isPlainObject(answer) ? Number(answer.statusCode) : Number.NaN
  if (!isPlainObject(answer) || !Number.isInteger(status) || status < 200 || status > 599)
    return { is: 'refused', why: 'its answer has no statusCode', unclear: true }
  const why = `it answered ${status}`
  if (status < 300) {
    const legacyId = idOf(bodyOf(answer))
    return { is: 'applied', ...(legacyId !== undefined && { legacyId }) }
  }
  if (status >= 500 || AGAIN.has(status)) return { is: 'again', why }
  return { is: WAITS.has(status) ? 'waits' : 'refused', why }
}

/** The body as JSON, or as the text that it is. */
const bodyOf = ({ body, isBase64Encoded }: Readonly<Record<string, unknown>>): unknown => {
  if (typeof body !== 'string') return body
  const text = isBase64Encoded === true ? Buffer.from(body, 'base64').toString('utf8') : body
  try {
    const parsed: unknown = JSON.parse(text)
    return parsed
  } catch {
    return text
  }
}
