import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { Node } from 'constructs'

/** The authorizers that the HTTP API can have. */
const authorizers = ['none', 'iam', 'jwt'] as const

/** Who may call the API. `jwt` names the issuer and audience whose tokens are accepted. */
export type Auth =
  | { readonly kind: 'none' }
  | { readonly kind: 'iam' }
  | { readonly kind: 'jwt'; readonly issuer: string; readonly audience: readonly string[] }

/** What differs between a stage that may be thrown away and one whose data outlive the stack. */
export interface StagePolicy {
  /** Keep tables, cluster, secret and failures when the stack or the resource goes, and refuse their deletion. */
  readonly retain: boolean
  /** Days that Aurora's automated backups are kept (1 to 35). */
  readonly backupDays: number
  /** How long logs are kept. */
  readonly logRetention: RetentionDays
  /** Whether `GET /aurora` applies pending migrations; where not, it only reports, and deployments apply them. */
  readonly migrateOnRequest: boolean
  /** Whether an API that anyone can call is refused. */
  readonly requireAuth: boolean
}

/** The stages, by name. */
export const stages = {
  dev: {
    retain: false,
    backupDays: 1,
    logRetention: RetentionDays.ONE_WEEK,
    migrateOnRequest: true,
    requireAuth: false,
  },
  prod: {
    retain: true,
    backupDays: 14,
    logRetention: RetentionDays.ONE_YEAR,
    migrateOnRequest: false,
    requireAuth: true,
  },
} as const satisfies Record<string, StagePolicy>

export type StageName = keyof typeof stages

/** Levels of the functions' own log lines. */
const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** How often the relay looks for what was written in Aurora. */
const relays = ['stay', 'minute', 'hour'] as const
export type Relay = (typeof relays)[number]

/** Whether somebody looks how routes do that are on their way, and steps those back that are worse. */
const guards = ['on', 'off'] as const
const runners = ['off', 'on'] as const

/** Everything about a deployment that its operator chooses, read once from the CDK context. */
export interface Settings {
  /** @default 'dev' */
  readonly stage: StageName
  readonly policy: StagePolicy
  /** @default none in dev; prod has no default */
  readonly auth: Auth
  /** The MySQL database that holds the legacy tables. @default 'backsync' */
  readonly databaseName: string
  /** Upper bound of Aurora in capacity units of 2 GiB, 1 to 256 in steps of 0.5. @default 4 */
  readonly maxCapacity: number
  /** Concurrent batches per shard of the stream, 1 to 10; order per key holds at any. @default 1 */
  readonly parallelizationFactor: number
  /**
   * Where entities are mirrored: the relay `stay`s, so that what plain SQL writes is on the modern side within two seconds;
   * or looks once a `minute`, or once an `hour`, so that Aurora can pause in between. @default 'stay'
   */
  readonly relay: Relay
  /**
   * Whether a guard looks once a minute how routes do that are on their way, and steps those back that are worse. Who wants one
   * route left alone freezes that. @default 'on': of a guard that has to be asked for one thinks on the morning after
   */
  readonly guard: (typeof guards)[number]
  /**
   * Whether a function in the database's network runs what the Data API can't prepare: then deployments and `backsync migrate up` make
   * triggers and routines. It needs an endpoint to Secrets Manager, which costs by the hour. @default 'off'
   */
  readonly statementRunner: (typeof runners)[number]
  /** @default 'info' */
  readonly logLevel: LogLevel
  /** An SNS topic that alarms notify. @default none: alarms show in CloudWatch only */
  readonly alarmTopicArn?: string
  /** Roles that a copy of a table may assume, for tables of other accounts. @default none */
  readonly copyRoleArns: readonly string[]
  /** DynamoDB tables of this account and region that may be copied from, such as a restored one. @default none */
  readonly copySources: readonly string[]
}

/** The context keys of this application: one table for validation, help and errors. */
const contextKeys = {
  stage: `one of ${Object.keys(stages).join(', ')}`,
  auth: `one of ${authorizers.join(', ')}`,
  jwtIssuer: 'the https URL of the token issuer (with auth=jwt)',
  jwtAudience: 'the accepted audiences, separated by commas (with auth=jwt)',
  databaseName: 'a letter, then up to 63 letters, digits or underscores',
  maxCapacity: 'Aurora capacity units from 1 to 256 in steps of 0.5',
  parallelizationFactor: 'a whole number from 1 to 10',
  relay: `one of ${relays.join(', ')}`,
  guard: `one of ${guards.join(', ')}`,
  statementRunner: `one of ${runners.join(', ')}`,
  logLevel: `one of ${logLevels.join(', ')}`,
  alarmTopicArn: 'the ARN of an SNS topic',
  copyRoleArns: 'ARNs of IAM roles, separated by commas',
  copySources: 'names of DynamoDB tables, separated by commas',
} as const

type ContextKey = keyof typeof contextKeys

/** One or more settings that the CDK context has wrong. The message names every one of them. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
  readonly code = 'settings.invalid'
  readonly problems: readonly string[]

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(`Invalid context:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`, options)
    this.problems = problems
  }
}

/**
 * Reads the settings from the context (`-c key=value`, cdk.json, cdk.context.json).
 * Keys with a colon, slash, dash or `@` belong to the CDK; all others are ours and must be known.
 *
 * @throws SettingsError naming every missing, malformed or unknown setting at once
 */
export function readSettings(node: Node): Settings {
  const context: Record<string, unknown> = node.getAllContext()
  const problems: string[] = []

  for (const key of Object.keys(context)) {
    if (/^\w+$/.test(key) && !Object.hasOwn(contextKeys, key)) {
      problems.push(`${key}: unknown key; known are ${Object.keys(contextKeys).join(', ')}`)
    }
  }

  /** The text of a setting, or undefined where it isn't set; a malformed one is noted and reads as not set. */
  const text = (key: ContextKey, valid: (value: string) => boolean): string | undefined => {
    const value = context[key]
    if (value === undefined) return undefined
    if (typeof value === 'string' || typeof value === 'number') {
      if (valid(String(value))) return String(value)
    }
    problems.push(`${key}: expected ${contextKeys[key]}, got ${JSON.stringify(value)}`)
    return undefined
  }
  const choice = <T extends string>(key: ContextKey, choices: readonly T[], fallback: T): T => {
    const value = text(key, (candidate) => choices.some((one) => one === candidate))
    return choices.find((one) => one === value) ?? fallback
  }
  const number = (key: ContextKey, valid: (value: number) => boolean, fallback: number): number =>
    Number(text(key, (value) => /^\d+(\.\d+)?$/.test(value) && valid(Number(value))) ?? fallback)

  /** The parts of a text between commas, each of which must match. */
  const list = (key: ContextKey, valid: RegExp): readonly string[] => {
    const value = text(key, (candidate) => partsOf(candidate).every((part) => valid.test(part)))
    return value === undefined ? [] : partsOf(value)
  }

  const stage = choice('stage', stageNames, 'dev')
  const policy: StagePolicy = stages[stage]
  const kind = choice('auth', authorizers, 'none')
  const issuer = text('jwtIssuer', (value) => /^https:\/\/[^\s/]+/.test(value))
  const audience = list('jwtAudience', /./)
  const settings: Settings = {
    stage,
    policy,
    auth: kind === 'jwt' ? { kind, issuer: issuer ?? '', audience } : { kind },
    databaseName: text('databaseName', (value) => /^[a-zA-Z]\w{0,63}$/.test(value)) ?? 'backsync',
    maxCapacity: number('maxCapacity', (value) => value >= 1 && value <= 256 && value % 0.5 === 0, 4),
    parallelizationFactor: number(
      'parallelizationFactor',
      (value) => Number.isInteger(value) && value >= 1 && value <= 10,
      1,
    ),
    relay: choice('relay', relays, 'stay'),
    guard: choice('guard', guards, 'on'),
    statementRunner: choice('statementRunner', runners, 'off'),
    logLevel: choice('logLevel', logLevels, 'info'),
    ...optional(
      'alarmTopicArn',
      text('alarmTopicArn', (value) => /^arn:[\w-]+:sns:/.test(value)),
    ),
    copyRoleArns: list('copyRoleArns', /^arn:[\w-]+:iam::\d{12}:role\/[\w+=.@/-]+$/),
    copySources: list('copySources', /^[\w.-]{3,255}$/),
  }

  if (kind === 'jwt') {
    if (context.jwtIssuer === undefined)
      problems.push(`jwtIssuer: missing; expected ${contextKeys.jwtIssuer}`)
    if (context.jwtAudience === undefined)
      problems.push(`jwtAudience: missing; expected ${contextKeys.jwtAudience}`)
  } else {
    for (const key of ['jwtIssuer', 'jwtAudience'] as const) {
      if (context[key] !== undefined) problems.push(`${key}: has no meaning with auth=${kind}`)
    }
  }
  if (kind === 'none' && policy.requireAuth) {
    problems.push(`auth: stage ${stage} refuses an API without an authorizer; choose auth=iam or auth=jwt`)
  }
  if (problems.length > 0) throw new SettingsError(problems)
  return Object.freeze(settings)
}

/** Each part once. */
const partsOf = (text: string): string[] => [...new Set(text.split(',').map((part) => part.trim()))]

const stageNames: readonly StageName[] = ['dev', 'prod']

function optional<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  const part: Partial<Record<K, V>> = {}
  if (value !== undefined) part[key] = value
  return part
}
