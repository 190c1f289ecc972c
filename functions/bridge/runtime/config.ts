import * as z from 'zod'
import { ConfigurationError } from '../model/errors.ts'
import { Tables } from './tables.ts'

const arn = z.string().startsWith('arn:')
const text = z.string().min(1)
const json = <S extends z.ZodType>(schema: S) =>
  z
    .string()
    .transform((written, context) => {
      try {
        return JSON.parse(written) as unknown
      } catch {
        context.addIssue({ code: 'custom', message: 'is not JSON' })
        return z.NEVER
      }
    })
    .pipe(schema)

/** Tables by their names in this project, as JSON. */
const tables = z.object({ TABLES: json(z.record(z.string(), text)).transform((names) => new Tables(names)) })
/** The table in which changes that can't be applied are set aside. */
const parking = z.object({ PARKING_TABLE: text })
/** Where it is kept how far jobs have come, and where kept tables stand. */
const jobs = z.object({ JOBS_TABLE: text })
/** Where it is kept where routes stand. */
const routes = z.object({ ROUTES_TABLE: text })
/** Where deletes of kept tables are remembered. */
const tombstones = z.object({ TOMBSTONES_TABLE: text })

/** The settings that a function can have; a function picks the ones that it needs. */
export const settings = {
  /** The Data API's cluster and the secret with which it logs in. */
  aurora: z.object({ CLUSTER_ARN: arn, SECRET_ARN: arn, DATABASE_NAME: text }),
  /** Which of the stages it is deployed as. */
  stage: z.object({ STAGE: text }),
  tables,
  parking,
  jobs,
  routes,
  /** Where the first answers to repeatable requests are kept. */
  idempotency: z.object({ IDEMPOTENCY_TABLE: text }),
  /** Tables that are kept by others: sources and targets, and what keeping them needs. */
  keptTables: z.object({ ...tables.shape, ...parking.shape, ...tombstones.shape, ...jobs.shape }),
  /** Where event sources file what they gave up on. */
  failures: z.object({ FAILURE_BUCKET: text }),
  /** What functions of a team's own are called by, as JSON, by the names of the entities that they write. */
  legacyFunctions: z.object({ LEGACY_FUNCTIONS: json(z.record(z.string(), text)) }),
  /** Whether the relay looks for writes of Aurora's for as long as it may, or ends where there are none. */
  relay: z.object({ RELAY_STAYS: z.enum(['true', 'false']).transform((text) => text === 'true') }),
  /** Within how many milliseconds what is written at the other store is to be in this one, as JSON. */
  lateness: z.object({
    LATE: json(z.object({ aurora: z.number().positive(), dynamo: z.number().positive() })),
  }),
  /** The relay's function, where it has to be woken behind a write. */
  wake: z.object({ RELAY_FUNCTION: text }),
  migrations: z.object({
    MIGRATE_ON_REQUEST: z.enum(['true', 'false']).transform((text) => text === 'true'),
    /** What runs statements that the Data API can't prepare, where there is one. */
    RUNNER_FUNCTION: text.optional(),
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
