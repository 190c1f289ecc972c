import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import * as z from 'zod'

/**
 * The shapes of attributes, for items that Backsync has written itself: each checks an attribute value and gives what is
 * in it.
 */

export const asText = z.object({ S: z.string() }).transform(({ S }) => S)

/** A whole number from 0 on. */
export const asCount = z.object({ N: z.string().regex(/^\d+$/) }).transform(({ N }) => Number(N))

/** A number that is not negative. */
export const asAmount = z
  .object({ N: z.string().regex(/^\d+(\.\d+)?(E[+-]?\d+)?$/i) })
  .transform(({ N }) => Number(N))

export const asFlag = z.object({ BOOL: z.boolean() }).transform(({ BOOL }) => BOOL)

/** One of some texts. */
export const asOneOf = <T extends string>(...choices: readonly [T, ...T[]]) => asText.pipe(z.enum(choices))

/** A text that is JSON, parsed. */
export const asJson = asText.transform((written, context): unknown => {
  try {
    return JSON.parse(written)
  } catch {
    context.addIssue({ code: 'custom', message: 'is not JSON' })
    return z.NEVER
  }
})

export const asMap = <T>(schema: z.ZodType<T>) => z.object({ M: schema }).transform(({ M }) => M)

export const asList = <T>(schema: z.ZodType<T>) => z.object({ L: z.array(schema) }).transform(({ L }) => L)

/** Attributes that go back to DynamoDB as they came. */
export const attributes = z.record(
  z.string(),
  z.custom<AttributeValue>((value) => typeof value === 'object' && value !== null),
)

/**
 * Reads items of a shape.
 *
 * @param foreign makes the error for an item that has another one
 */
export const itemReader =
  <T>(schema: z.ZodType<T>, foreign: (cause: z.ZodError) => Error) =>
  (item: Readonly<Record<string, AttributeValue>>): T => {
    const read = schema.safeParse(item)
    if (read.success) return read.data
    throw foreign(read.error)
  }
