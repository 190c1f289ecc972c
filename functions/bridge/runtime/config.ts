import * as z from 'zod'
import { ConfigurationError } from '../model/errors.ts'

const arn = z.string().startsWith('arn:')
const json = <S extends z.ZodType>(schema: S) =>
  z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown
      } catch {
        context.addIssue({ code: 'custom', message: 'is not JSON' })
        return z.NEVER
      }
    })
    .pipe(schema)

/** The settings that a function can have; a function picks the ones that it needs. */
export const settings = {
  /** The Data API's cluster and the secret with which it logs in. */
  aurora: z.object({ CLUSTER_ARN: arn, SECRET_ARN: arn, DATABASE_NAME: z.string().min(1) }),
  /** Table names by entity name, as JSON. */
  tables: z.object({ TABLES: json(z.record(z.string(), z.string().min(1))) }),
  /** The table in which changes that can't be applied are set aside. */
  parking: z.object({ PARKING_TABLE: z.string().min(1) }),
  /** Tables that are kept by others: sources and targets, and what keeping them needs. */
  keptTables: z.object({
    TABLES: json(z.record(z.string(), z.string().min(1))),
    PARKING_TABLE: z.string().min(1),
    TOMBSTONES_TABLE: z.string().min(1),
    JOBS_TABLE: z.string().min(1),
  }),
  migrations: z.object({
    MIGRATE_ON_REQUEST: z.enum(['true', 'false']).transform((text) => text === 'true'),
  }),
} as const

/**
 * Reads a function's settings once, at its start.
 *
 * @throws ConfigurationError naming every setting that is missing or malformed
 */
export const readConfig = <S extends z.ZodType>(schema: S, env: NodeJS.ProcessEnv): z.infer<S> => {
  const parsed = schema.safeParse(env)
  if (parsed.success) return parsed.data
  throw new ConfigurationError(
    parsed.error.issues.map((issue) => {
      const name = issue.path.join('.')
      return env[String(issue.path[0])] === undefined ? `${name} is not set` : `${name} ${issue.message}`
    }),
    { cause: parsed.error },
  )
}
