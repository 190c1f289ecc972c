import { BridgeError } from '../model/errors.ts'
import { jsonValue, parseExactJson } from '../model/exact-json.ts'
import { isMap, type Value } from '../model/values.ts'

/** What a side has answered. */
export type Answer = {
  readonly status: number
  /** From the call to the last byte. */
  readonly milliseconds: number
  readonly bytes: number
  readonly headers: Readonly<Record<string, string>>
  /** Numbers with all their digits; a body that is no JSON is its text. Absent where there is none. */
  readonly body?: Value
}

/** An address that has given no answer. */
export class NoAnswerError extends BridgeError {
  override readonly name = 'NoAnswerError'
  readonly code = 'compare.no-answer'
  readonly kind = 'transient'
}

/** An answer that is more than an API Gateway gives. */
class AnswerTooLargeError extends BridgeError {
  override readonly name = 'AnswerTooLargeError'
  readonly code = 'compare.answer-too-large'
  readonly kind = 'data'
}

/** What is called: as `fetch` is. */
export type Caller = (url: string, init: RequestInit) => Promise<Response>

/** One call may take so long, in milliseconds: a paused cluster needs up to half a minute, and a gateway waits no longer. */
const CALL_LIMIT = 35_000
/** API Gateway answers with no more than ten megabytes. */
const MOST_BYTES = 10 * 1024 * 1024

/**
 * Asks one address, once: a repeat would hide what is compared, its failures and its time.
 *
 * @throws NoAnswerError, AnswerTooLargeError; the signal's reason when that aborts
 */
export const askSide = async (
  caller: Caller,
  url: string,
  {
    method,
    headers,
    signal,
  }: {
    readonly method: string
    readonly headers: Readonly<Record<string, string>>
    readonly signal?: AbortSignal | undefined
  },
): Promise<Answer> => {
  const limit = AbortSignal.timeout(CALL_LIMIT)
  const begun = performance.now()
  try {
    const response = await caller(url, {
      method,
      headers,
      redirect: 'manual',
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    })
    const content = await contentOf(response, url)
    const milliseconds = performance.now() - begun
    const body = bodyOf(content.toString('utf8'))
    return {
      ...{ status: response.status, milliseconds, bytes: content.length },
      headers: Object.fromEntries(response.headers),
      ...(body !== undefined && { body }),
    }
  } catch (cause) {
    signal?.throwIfAborted()
    if (cause instanceof BridgeError) throw cause
    const why = limit.aborted ? `none within ${CALL_LIMIT / 1_000} s` : reasonOf(cause)
    throw new NoAnswerError(`No answer of ${url}: ${why}`, { cause })
  }
}

const contentOf = async (response: Response, url: string): Promise<Buffer> => {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.length
    if (bytes > MOST_BYTES)
      throw new AnswerTooLargeError(`The answer of ${url} has more than ${MOST_BYTES} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

const bodyOf = (text: string): Value | undefined => {
  if (text === '') return undefined
  try {
    return jsonValue(parseExactJson(text)) ?? text
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}

/** `fetch failed` says nothing: what is behind it does. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}

/**
 * Why an answer says nothing of what is there: whoever asked may not, asks too often, or it failed.
 *
 * @returns undefined for one that does
 */
export const refusalOf = ({ status, body }: Answer): string | undefined => {
  if (status < 500 && status !== 401 && status !== 403 && status !== 429) return undefined
  const [detail] =
    body !== undefined && isMap(body)
      ? [body.detail, body.message].filter((one) => typeof one === 'string')
      : []
  return `${status}${detail === undefined ? '' : `: ${detail}`}`
}

/** Whether a gateway says that it has no such route, and no function was asked. */
export const hasNoRoute = ({ status, body }: Answer): boolean =>
  status === 404 && body !== undefined && isMap(body) && Object.keys(body).join() === 'message'
