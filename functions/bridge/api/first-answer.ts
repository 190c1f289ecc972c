import * as z from 'zod'
import type { HttpResponse } from '../http/response.ts'
import { IdempotencyRecordError } from '../ports/once.ts'

const response = z.object({
  statusCode: z.number(),
  headers: z.record(z.string(), z.string()),
  body: z.string().exactOptional(),
  isBase64Encoded: z.boolean().exactOptional(),
})

/** An answer as the stores keep it. */
export const answerText = (answer: HttpResponse): string => JSON.stringify(answer)

/** @throws IdempotencyRecordError when the text is no answer */
export const readAnswer = (text: string): HttpResponse => {
  const parsed = response.safeParse(parse(text))
  if (parsed.success) return parsed.data
  throw new IdempotencyRecordError('The record of an idempotency key holds no answer', {
    cause: parsed.error,
  })
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new IdempotencyRecordError('The record of an idempotency key is not JSON', { cause })
  }
}
