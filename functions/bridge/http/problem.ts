/** A fault of one member of the body: a JSON pointer and what is wrong there. */
export type Fault = { readonly pointer: string; readonly detail: string }

/** What each status that is used says, in words. */
const TITLES = {
  400: 'Bad request',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  412: 'Precondition failed',
  413: 'Content too large',
  415: 'Unsupported media type',
  422: 'Unprocessable content',
  500: 'Internal server error',
  502: 'Bad gateway',
  503: 'Service unavailable',
} as const

type Status = keyof typeof TITLES

/**
 * A request that can't be served: what the client gets told.
 *
 * @see RFC 9457, problem details for HTTP APIs
 */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: Status
  readonly code: string
  readonly title: string
  readonly headers: Readonly<Record<string, string>>
  readonly errors: readonly Fault[] | undefined

  constructor(
    status: Status,
    code: string,
    detail: string,
    more: { headers?: Record<string, string>; errors?: readonly Fault[] } = {},
  ) {
    super(detail)
    this.status = status
    this.code = code
    this.title = TITLES[status]
    this.headers = more.headers ?? {}
    this.errors = more.errors
  }
}

export const notFound = (detail: string): Problem => new Problem(404, 'not-found', detail)

export const badRequest = (code: string, detail: string, errors?: readonly Fault[]): Problem =>
  new Problem(400, code, detail, errors === undefined ? {} : { errors })
