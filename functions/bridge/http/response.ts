import type { Problem } from './problem.ts'

/** An answer that both gateways' payload forms take. */
export type HttpResponse = {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Whether the body is base64, of bytes that are no text. @default false */
  readonly isBase64Encoded?: boolean
}

export const jsonResponse = (
  statusCode: number,
  body: unknown,
  headers: Record<string, string> = {},
): HttpResponse => ({
  statusCode,
  headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers },
  body: JSON.stringify(body),
})

export const noContent = (): HttpResponse => ({ statusCode: 204, headers: { 'cache-control': 'no-store' } })

/** Problem details (RFC 9457), with the request's id so that a support question finds its log line. */
export const problemResponse = (problem: Problem, path: string, requestId: string): HttpResponse =>
  jsonResponse(
    problem.status,
    {
      type: `urn:backsync:problem:${problem.code}`,
      title: problem.title,
      status: problem.status,
      detail: problem.message,
      instance: path,
      requestId,
      ...(problem.errors === undefined ? {} : { errors: problem.errors }),
    },
    { 'content-type': 'application/problem+json; charset=utf-8', ...problem.headers },
  )
