import { rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { startDynamoDb } from './dynamodb/server.ts'
import { secondsIn } from './env-seconds.ts'
import { listen } from './gateway/server.ts'
import type { Outcome } from './lambda/environment.ts'
import { startInspector } from './lambda/inspector.ts'
import { type Log, openLogFile } from './lambda/log-file.ts'
import type { MetricSummary } from './metrics/metric-store.ts'
import { summarise } from './metrics/summary.ts'
import { type Consent, noConsent } from './mysql/consent.ts'
import { startMysql } from './mysql/server.ts'
import { mappingsIn } from './streams/env-settings.ts'
import { synthesise } from './synth/synth.ts'
import { loadAssembly } from './template/assembly.ts'
import { Closers } from './template/closers.ts'
import { FUNCTIONS_SETTING } from './template/foreign-functions.ts'
import { takeHome } from './template/home.ts'
import {
  type DataApiTestOptions,
  type MappingTestOptions,
  type RunningCluster,
  type RunningRoute,
  runTemplate,
} from './template/run.ts'

/** Seconds after which items of tables with a stream are gone that are to expire. */
const EXPIRY = 'BACKSYNC_EXPIRY'

export type LocalStackOptions = {
  /** Everything that outlives the process: data, checkpoints, logs, the synthesised template. */
  readonly home: string
  /** The gateway's; a free one when it is taken. Default: any free one. */
  readonly port?: number
  /** `MYSQL_URL`, `DYNAMODB_ENDPOINT` and what else the servers read. Default: process.env. */
  readonly env?: NodeJS.ProcessEnv
  /** Empties the home folder first. */
  readonly fresh?: boolean
  /** CDK context, such as `{ stage: 'dev' }`. */
  readonly context?: Readonly<Record<string, string>>
  /** The module of the CDK app to synthesise, below the repository. Default: the one that deploys. */
  readonly app?: string | undefined
  /** Runs this cloud assembly instead of synthesising an app. */
  readonly assembly?: string
  readonly log?: Log
  /** Agrees to what would be changed on the server of MYSQL_URL. Default: nobody does, and a start that has to fails. */
  readonly consent?: Consent
  /** The port where debuggers find the functions, a free one when it is taken. Default: they find nothing. */
  readonly inspect?: number | undefined
  /** Faults of the Data API, and a hand in its statements, for tests. */
  readonly dataApi?: DataApiTestOptions
  /** How soon event sources give up, for tests. @default as the template says */
  readonly mappings?: MappingTestOptions
  /** Gives up a start that is under way; what has been started is stopped. */
  readonly signal?: AbortSignal
}

/** The stack, running. */
export type LocalStack = {
  /** Of the gateway, without a slash at the end. */
  readonly url: string
  readonly port: number
  readonly home: string
  readonly endpoints: {
    readonly dynamodb: string
    readonly rdsData: string
    readonly secretsManager: string
    readonly sts: string
    readonly s3: string
    readonly lambda: string
    readonly cloudWatch: string
    /** `host:port` */
    readonly mysql: string
  }
  /** Where debuggers find the functions, `host:port`. */
  readonly inspector?: string
  readonly servers: { readonly mysql: string; readonly dynamodb: string }
  readonly routes: readonly RunningRoute[]
  readonly tables: readonly {
    readonly logicalId: string
    readonly name: string
    readonly streamArn?: string
  }[]
  readonly clusters: readonly RunningCluster[]
  readonly functions: readonly { readonly name: string; readonly arn: string }[]
  readonly outputs: Readonly<Record<string, unknown>>
  readonly notes: readonly string[]
  /** Seconds from the call to readiness. */
  readonly ready: number
  /** Invokes a function by name or ARN, past the gateway. */
  invoke(functionName: string, event: unknown): Promise<Outcome>
  /** Crashes a function's environments that are at work, `most` of them or all. @returns how many */
  crash(functionName: string, most?: number): number
  /** What the functions and the event source mappings have measured since the start. */
  metrics(): readonly MetricSummary[]
  /** Stops everything in reverse order, bounded. Safe to repeat. */
  close(): Promise<void>
}

/** The checkout that this file is in. */
const REPOSITORY = resolve(import.meta.dirname, '..', '..')

/**
 * Starts the servers, synthesises the CDK app, and runs what its template says. A start that fails half-way stops what
 * it has started.
 *
 * @throws HomeInUseError, SynthError, TemplateError, TriggerError, what `consent` throws, and the servers' own errors
 */
export const startLocalStack = async (options: LocalStackOptions): Promise<LocalStack> => {
  const started = performance.now()
  const { env = process.env, log = () => {}, signal } = options
  const home = resolve(options.home)
  const closers = new Closers(log)
  try {
    const lock = await takeHome(home, options.fresh === true, log)
    closers.add('lock', () => lock.release())
    const accessLog = openLogFile(join(home, 'logs', 'access.log'), log)
    const [mysql, dynamodb, folder] = await allStarted([
      startMysql({ home, log, env }).then((server) => {
        closers.add('MySQL', () => server.stop())
        return server
      }),
      startDynamoDb({ home, log, env }).then((server) => {
        closers.add('DynamoDB', () => server.stop())
        return server
      }),
      assemblyFolder(options, home, env),
    ])
    signal?.throwIfAborted()
    const gateway = await listen(options.port ?? 0, accessLog)
    let gatewayOpen = true
    const closeGateway = async (): Promise<void> => {
      if (gatewayOpen) await gateway.close()
      gatewayOpen = false
    }
    closers.add('gateway', closeGateway)
    const assembly = await loadAssembly(folder)
    const expiry = secondsIn(env, EXPIRY)
    const running = await runTemplate(assembly, {
      home,
      mysql,
      dynamodbEndpoint: dynamodb.endpoint,
      gateway,
      log,
      closers,
      consent: options.consent ?? noConsent,
      inspect: options.inspect !== undefined,
      ...{ setting: env[FUNCTIONS_SETTING], repository: REPOSITORY },
      ...(options.dataApi && { dataApi: options.dataApi }),
      mappings: { ...mappingsIn(env), ...options.mappings },
      ...(expiry !== undefined && { expiry: { after: expiry } }),
    })
    const inspector =
      options.inspect === undefined
        ? undefined
        : await startInspector(options.inspect, () =>
            running.functions.list().flatMap((fn) => fn.inspected()),
          )
    if (inspector) closers.add('inspector', () => inspector.close())
    const summary = summarise(running.functions.metrics, log)
    closers.add('metrics', () => summary.close())
    // Requests are the first to stop, although the gateway had to listen early for its address to be known.
    closers.add('gateway', closeGateway)
    signal?.throwIfAborted()
    const facts = {
      url: gateway.url,
      port: gateway.port,
      home,
      endpoints: { ...running.endpoints, dynamodb: dynamodb.endpoint, mysql: `${mysql.host}:${mysql.port}` },
      ...(inspector && { inspector: inspector.address }),
      servers: { mysql: `${mysql.flavour} ${mysql.version}`, dynamodb: dynamodb.kind },
      routes: running.routes,
      tables: running.tables,
      clusters: running.clusters,
      functions: running.functions.list().map(({ definition: { name, arn } }) => ({ name, arn })),
      outputs: running.outputs,
      notes: running.notes,
    }
    const file = join(home, 'stack.json')
    await writeFile(file, JSON.stringify({ ...facts, pid: process.pid }, null, 2))
    closers.add('stack.json', () => rm(file, { force: true }))
    return {
      ...facts,
      ready: (performance.now() - started) / 1000,
      invoke: (functionName, event) => running.functions.find(functionName).invoke(event),
      crash: (functionName, most) => running.functions.find(functionName).crash(most),
      metrics: () => running.functions.metrics.summaries(),
      close: () => closers.close(),
    }
  } catch (error) {
    await closers.close()
    throw error
  }
}

const assemblyFolder = async (
  options: LocalStackOptions,
  home: string,
  env: NodeJS.ProcessEnv,
): Promise<string> => {
  if (options.assembly !== undefined) return options.assembly
  const context = { ...databaseContext(env.MYSQL_URL), ...options.context }
  const { app, log = () => {}, signal } = options
  const made = await synthesise({ repository: REPOSITORY, app, home, context, ...(signal && { signal }) })
  log(made.fresh ? 'synthesised the stack' : 'the synthesised stack is up to date')
  return made.folder
}

/** An external server's URL may name the database: the template then has to name the same. */
const databaseContext = (url: string | undefined): Record<string, string> => {
  if (url === undefined || url === '' || !URL.canParse(url)) return {}
  const database = decodeURIComponent(new URL(url).pathname.slice(1))
  return database === '' ? {} : { databaseName: database }
}

/** Waits for all, even when one fails: what the others start must be known before it can be stopped. */
const allStarted = async <T extends readonly unknown[]>(
  parts: { [K in keyof T]: Promise<T[K]> },
): Promise<T> => {
  const failed = (await Promise.allSettled(parts)).find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
  return Promise.all(parts) as Promise<T>
}
