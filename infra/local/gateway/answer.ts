import * as z from 'zod'

/** What goes back to the client. */
export type GatewayAnswer = {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: Buffer
}

const structured = z.object({
  statusCode: z.coerce.number().int().min(100).max(599),
  headers: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).nullish(),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().nullish(),
  cookies: z.array(z.string()).nullish(),
})

/** The gateway's own answers are JSON with one member, as on AWS. */
export const gatewayMessage = (statusCode: number, message: string): GatewayAnswer => ({
  statusCode,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify({ message })),
})

/**
 * Reads a function's answer, in either form of payload format 2.0: an object with a `statusCode`, or anything else,
 * which becomes the JSON body of a 200.
 *
 * @param payload JSON text
 * @returns undefined when it has a `statusCode` but is malformed: the client then gets a 500
 */
export const readAnswer = (payload: string): GatewayAnswer | undefined => {
  const value: unknown = JSON.parse(payload)
  if (typeof value !== 'object' || value === null || !('statusCode' in value)) {
    const text = typeof value === 'string' ? value : payload
    return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(text) }
  }
  const parsed = structured.safeParse(value)
  if (!parsed.success) return undefined
  const { statusCode, headers, body, isBase64Encoded, cookies } = parsed.data
  const lower: Record<string, string | string[]> = {}
  for (const [name, text] of Object.entries(headers ?? {})) lower[name.toLowerCase()] = String(text)
  if (cookies && cookies.length > 0) lower['set-cookie'] = cookies
  const bytes = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8')
  // As on AWS, where the function names no type for the body of a structured answer.
  if (bytes.length > 0 && lower['content-type'] === undefined)
    lower['content-type'] = 'text/plain;charset=UTF-8'
  return { statusCode, headers: lower, body: bytes }
}
