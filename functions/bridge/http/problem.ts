/** A fault of one member of the body: a JSON pointer and what is wrong there. */
export type Fault = { readonly pointer: string; readonly detail: string }

/**
 * A request that can't be served: what the client gets told.
 *
 * @see RFC 9457, problem details for HTTP APIs
 */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly code: string
  readonly title: string
  readonly headers: Readonly<Record<string, string>>
  readonly errors: readonly Fault[] | undefined

  constructor(
    status: number,
    code: string,
    title: string,
    detail: string,
    more: { headers?: Record<string, string>; errors?: readonly Fault[] } = {},
  ) {
    super(detail)
    this.status = status
    this.code = code
    this.title = title
    this.headers = more.headers ?? {}
    this.errors = more.errors
  }
}

export const notFound = (detail: string): Problem => new Problem(404, 'not-found', 'Not found', detail)

export const badRequest = (code: string, detail: string, errors?: readonly Fault[]): Problem =>
  new Problem(400, code, 'Bad request', detail, errors === undefined ? {} : { errors })
