import * as z from 'zod'
import { DataApiError, invalid } from './errors.ts'
import { parseExact } from './json.ts'
import { limits } from './limits.ts'

/** A `null` member means the same as an absent one in AWS's JSON protocols. */
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined)

const arn = z.string().min(limits.arnCharacters.min).max(limits.arnCharacters.max)
const database = optional(z.string().max(limits.databaseCharacters))
const transactionId = z.string().max(limits.transactionIdCharacters)
const sql = z.string().max(limits.sqlCharacters)

const field = z.object({
  isNull: optional(z.boolean()),
  booleanValue: optional(z.boolean()),
  longValue: optional(z.union([z.int(), z.bigint()])),
  doubleValue: optional(z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']), z.bigint()])),
  stringValue: optional(z.string()),
  blobValue: optional(z.string()),
  arrayValue: optional(z.unknown()),
})

const parameter = z.object({
  name: z.string(),
  value: field,
  typeHint: optional(z.enum(['JSON', 'UUID', 'TIMESTAMP', 'DATE', 'TIME', 'DECIMAL'])),
})

const target = { resourceArn: arn, secretArn: arn }
const schema = optional(z.string().max(limits.databaseCharacters))

const requests = {
  Execute: z.object({
    ...target,
    sql,
    database,
    schema,
    parameters: optional(z.array(parameter)),
    transactionId: optional(transactionId),
    includeResultMetadata: optional(z.boolean()),
    continueAfterTimeout: optional(z.boolean()),
    resultSetOptions: optional(
      z.object({
        decimalReturnType: optional(z.enum(['STRING', 'DOUBLE_OR_LONG'])),
        longReturnType: optional(z.enum(['STRING', 'LONG'])),
      }),
    ),
    formatRecordsAs: optional(z.enum(['NONE', 'JSON'])),
  }),
  BatchExecute: z.object({
    ...target,
    sql,
    database,
    schema,
    parameterSets: optional(z.array(z.array(parameter))),
    transactionId: optional(transactionId),
  }),
  BeginTransaction: z.object({ ...target, database, schema }),
  CommitTransaction: z.object({ ...target, transactionId }),
  RollbackTransaction: z.object({ ...target, transactionId }),
}

export type OperationName = keyof typeof requests
export type Request<Name extends OperationName> = z.infer<(typeof requests)[Name]>
export type Parameter = z.infer<typeof parameter>
export type FieldValue = z.infer<typeof field>

export const isOperationName = (name: string): name is OperationName => Object.hasOwn(requests, name)

const at = (path: readonly PropertyKey[]): string =>
  path.map((step) => (typeof step === 'number' ? String(step + 1) : String(step))).join('.')

/** AWS's two answers to a body that doesn't fit: a constraint is a validation error, a wrong type a serialisation error. */
const refuse = (error: z.ZodError, body: unknown): DataApiError => {
  const issue = error.issues[0]
  const path = issue?.path ?? []
  const value = path.reduce<unknown>(
    (inner, step) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, step) : undefined),
    body,
  )
  if (value === undefined || value === null) {
    return invalid(
      `1 validation error detected: Value null at '${at(path)}' failed to satisfy constraint: Member must not be null`,
      { cause: error },
    )
  }
  if (issue?.code === 'too_big' && issue.origin === 'string') {
    return invalid(
      `1 validation error detected: Value at '${at(path)}' failed to satisfy constraint: Member must have length less than or equal to ${issue.maximum}`,
      { cause: error },
    )
  }
  if (issue?.code === 'too_small' && issue.origin === 'string') {
    return invalid(
      `1 validation error detected: Value at '${at(path)}' failed to satisfy constraint: Member must have length greater than or equal to ${issue.minimum}`,
      { cause: error },
    )
  }
  if (issue?.code === 'invalid_value' && typeof value === 'string') {
    return invalid(
      `1 validation error detected: Value '${value}' at '${at(path)}' failed to satisfy constraint: Member must satisfy enum value set: [${issue.values.join(', ')}]`,
      { cause: error },
    )
  }
  return new DataApiError('SerializationException', `Unexpected value at '${at(path)}'`, { cause: error })
}

/**
 * Reads an operation's request. Members that the operation doesn't have are ignored.
 *
 * @throws ValidationException, SerializationException
 */
export const readRequest = <Name extends OperationName>(name: Name, body: Buffer): Request<Name> => {
  let json: unknown
  try {
    json = parseExact(body.length === 0 ? '{}' : body.toString('utf8'))
  } catch (cause) {
    throw new DataApiError('SerializationException', 'The request body is not JSON.', { cause })
  }
  const parsed = requests[name].safeParse(json)
  if (!parsed.success) throw refuse(parsed.error, json)
  // The schema is the one of this very name; TypeScript doesn't follow that through an indexed access.
  return parsed.data as Request<Name>
}
