import * as z from 'zod'
import { TABLE_NAME } from '../drivers/dynamo/table-name.ts'
import { BridgeError } from '../model/errors.ts'

/** A copy of all items of one table into another. */
export type CopyRequest = {
  /** A table's name or ARN, as the destination's. */
  readonly sourceTableName: string
  readonly destinationTableName: string
  /** Whether all items of the destination are deleted first. */
  readonly cleanupDestinationTable: boolean
  /** The destination's name, where a stream follows it and it is to be emptied all the same; see `requireNamed`. */
  readonly emptiesFollowedTable?: string | undefined
  /** Whether the items are copied. */
  readonly migrate: boolean
  /** The role with which the table is read; @default the caller's own credentials */
  readonly sourceRoleArn?: string | undefined
  /** @default the caller's own region */
  readonly sourceRegion?: string | undefined
  readonly destinationRoleArn?: string | undefined
  readonly destinationRegion?: string | undefined
  /** Parts of the tables that are read at once or one after the other. @default by the tables' sizes */
  readonly segments?: number | undefined
  /** Items a second, in all. @default unbounded */
  readonly maxRate?: number | undefined
}

/** A request that isn't one; it names each field that is wrong. */
export class CopyRequestError extends BridgeError {
  override readonly name = 'CopyRequestError'
  readonly code = 'copy.request'
  readonly kind = 'configuration'
  readonly problems: readonly string[]

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(`The request for a copy: ${problems.join('; ')}`, options)
    this.problems = problems
  }
}

const table = z.string('is not a text').regex(TABLE_NAME, "is not a table's name or ARN")
/** Not said is not asked for. */
const flag = z.boolean('is not true or false').default(false)
const role = z
  .string('is not a text')
  .regex(/^arn:[\w-]+:iam::\d{12}:role\/\S+$/, "is not a role's ARN")
  .optional()
const region = z
  .string('is not a text')
  .regex(/^[a-z]{2,}(?:-[a-z]+)+-\d+$/, 'is not a region')
  .optional()
/** A parallel scan has so many segments at most; a Distributed Map starts so many workers here. */
const MOST_SEGMENTS = 1_000

/** What a request is, wherever it comes from; flags that stand for a field are checked by that field. */
export const copyRequestSchema = z.strictObject({
  sourceTableName: table,
  destinationTableName: table,
  cleanupDestinationTable: flag,
  emptiesFollowedTable: table.optional(),
  migrate: flag,
  sourceRoleArn: role,
  sourceRegion: region,
  destinationRoleArn: role,
  destinationRegion: region,
  segments: z
    .int('is not a whole number')
    .min(1, 'is below 1')
    .max(MOST_SEGMENTS, `is above ${MOST_SEGMENTS}`)
    .optional(),
  maxRate: z.number('is not a number').positive('is not above zero').optional(),
})

/** @throws CopyRequestError naming each field that is missing, malformed or unknown */
export const readCopyEvent = (event: unknown): CopyRequest => readRequest(copyRequestSchema, event)

/** Reads what has a request's fields, and maybe others. @throws CopyRequestError */
export const readRequest = <T extends CopyRequest>(schema: z.ZodType<T>, event: unknown): T => {
  const read = schema.safeParse(event)
  if (!read.success)
    throw new CopyRequestError(
      read.error.issues.flatMap((issue) => problemsOf(issue, event)),
      { cause: read.error },
    )
  requireWork(read.data)
  return read.data
}

/** Whether a request asks for anything. */
export const hasWork = ({
  cleanupDestinationTable,
  migrate,
}: Pick<CopyRequest, 'cleanupDestinationTable' | 'migrate'>): boolean => cleanupDestinationTable || migrate

/** @throws CopyRequestError when neither of the two steps is asked for */
export const requireWork = (request: CopyRequest): void => {
  if (!hasWork(request))
    throw new CopyRequestError(['cleanupDestinationTable and migrate are both false: there is nothing to do'])
}

const problemsOf = (issue: z.core.$ZodIssue, event: unknown): string[] => {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((name) => `${name} is not known`)
  const [name] = issue.path
  if (name === undefined) return ['it is not an object']
  const value: unknown = typeof event === 'object' && event !== null ? Reflect.get(event, name) : undefined
  return [`${String(name)} ${value === undefined ? 'is missing' : issue.message}`]
}
