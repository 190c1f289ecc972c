import { join } from 'node:path'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import { startCloudWatch } from '../cloudwatch/server.ts'
import { type DataApiOptions, startDataApi } from '../data-api/server.ts'
import { type ExpirySettings, startExpiry } from '../dynamodb/expiry.ts'
import type { HttpApi, RouteUsage } from '../gateway/api.ts'
import { createHandler } from '../gateway/handle.ts'
import type { Gateway } from '../gateway/server.ts'
import { PATIENCE_MS } from '../lambda/environment.ts'
import { type FunctionDefinition, LocalFunction } from '../lambda/function.ts'
import { type Log, openLogFile } from '../lambda/log-file.ts'
import { FunctionRegistry } from '../lambda/registry.ts'
import { startLambda } from '../lambda/server.ts'
import { type Endpoints, LOCAL_CREDENTIALS, variablesOf } from '../lambda/variables.ts'
import type { Consent } from '../mysql/consent.ts'
import { startS3 } from '../s3/server.ts'
import { startSchedule } from '../schedules/start.ts'
import { startSecretsManager } from '../secrets-manager/server.ts'
import { SecretStore } from '../secrets-manager/store.ts'
import { sdkSource } from '../streams/sdk-source.ts'
import type { MappingSettings } from '../streams/settings.ts'
import { startMapping } from '../streams/start.ts'
import { startSts } from '../sts/server.ts'
import type { Assembly } from './assembly.ts'
import type { Closers } from './closers.ts'
import { TemplateError } from './errors.ts'
import { agreeOnChanges } from './external.ts'
import { type ForeignFunctions, foreignFunctions } from './foreign-functions.ts'
import { notRunHere } from './not-run.ts'
import { REGION, URL_SUFFIX } from './pseudo.ts'
import { apisOf, type DefinedApi } from './resources/apis.ts'
import { clustersOf, type MysqlLogin, startCluster } from './resources/clusters.ts'
import { bucketsOf, destinationOf, destinationsOf } from './resources/destinations.ts'
import { functionsOf } from './resources/functions.ts'
import { mappingsOf } from './resources/mappings.ts'
import { schedulesOf } from './resources/schedules.ts'
import { secretsOf } from './resources/secrets.ts'
import { type StartedTable, startTables } from './resources/tables.ts'
import { runTriggers, triggersOf } from './resources/triggers.ts'
import { TemplateScope } from './scope.ts'

/** The parts of the Data API that a test of the whole stack takes into its hands. */
export type DataApiTestOptions = Pick<DataApiOptions, 'faults' | 'rewrite' | 'clock'>

/** How soon event sources give up, where a test can't wait for as long as the template says. */
export type MappingTestOptions = Partial<
  Pick<MappingSettings, 'maximumRetryAttempts' | 'maximumRecordAgeSeconds' | 'retentionSeconds'>
>

/** The servers under a template, and where it keeps its files. */
export type Ground = {
  readonly home: string
  readonly mysql: MysqlLogin
  readonly dynamodbEndpoint: string
  readonly gateway: Gateway
  readonly log: Log
  /** Asked before something is changed on a MySQL server that somebody else runs. */
  readonly consent: Consent
  /** Lets debuggers look into the functions, and waits for them. */
  readonly inspect: boolean
  /** What can go wrong with the Data API, for tests. */
  readonly dataApi?: DataApiTestOptions
  /** Of all event source mappings, instead of what the template says. */
  readonly mappings?: MappingTestOptions
  /** How soon items of tables with a stream are gone that are to expire. @default they stay */
  readonly expiry?: ExpirySettings | undefined
  /** The modules that play functions which are not the stack's: `name=module`, with commas between. */
  readonly setting?: string | undefined
  /** The folder that those are named from. */
  readonly repository: string
  /** Receives how to stop each part, as soon as it runs. */
  readonly closers: Closers
}

/** A cluster as callers of the Data API name it. */
export type RunningCluster = {
  readonly resourceArn: string
  readonly secretArn?: string
  readonly database?: string
}

/** A route with what a person needs to call it. */
export type RunningRoute = {
  readonly method: string
  readonly path: string
  readonly functionName: string
  readonly usage?: RouteUsage
}

/** A template that runs. */
export type RunningTemplate = {
  /** Those of the functions' clients. */
  readonly endpoints: Omit<Endpoints, 'dynamodb'>
  readonly tables: readonly StartedTable[]
  readonly clusters: readonly RunningCluster[]
  readonly routes: readonly RunningRoute[]
  readonly functions: FunctionRegistry
  /** The template's outputs, the API's address replaced by the local one. */
  readonly outputs: Readonly<Record<string, unknown>>
  /** What a person should know: resources that mean nothing here, routes that refuse everybody. */
  readonly notes: readonly string[]
}

/** The folder of what event sources gave up on. */
const FAILURES = 'failures'
/** The SDK's own time limits for the local servers, milliseconds. */
const SDK_TIMEOUTS = { connectionTimeout: 2_000, requestTimeout: 10_000 }

/**
 * Runs what a synthesised template says, in the order data, functions, triggers, traffic: whatever a trigger prepares
 * (the SQL migrations) is done before a route or a stream reaches a function.
 *
 * @throws TemplateError, TriggerError, and what the servers throw; the caller then closes `closers`
 */
export const runTemplate = async (assembly: Assembly, ground: Ground): Promise<RunningTemplate> => {
  const { home, log, closers, gateway } = ground
  const store = new SecretStore()
  const scope = new TemplateScope(assembly, (id) => store.get(id)?.value)
  for (const secret of await secretsOf(scope, join(home, 'secrets'))) store.put(secret)

  const functions = new FunctionRegistry()
  const clusters = await startClusters(scope, store, ground)
  const buckets = bucketsOf(scope, join(home, FAILURES))
  const endpoints = await startServices(ground, { store, clusters, functions, buckets })
  const sdk = { endpoint: ground.dynamodbEndpoint, region: REGION, credentials: LOCAL_CREDENTIALS }
  const dynamodb = new DynamoDBClient({ ...sdk, requestHandler: SDK_TIMEOUTS })
  const tables = await startTables(scope, dynamodb).finally(() => dynamodb.destroy())
  const defined = apiOf(scope)
  if (defined) scope.publish(defined.logicalId, { ApiEndpoint: gateway.url })

  const schedules = schedulesOf(scope, log)
  closers.add('functions', () => functions.close())
  const own = functionsOf(scope, assembly)
  const foreign = foreignFunctions(assembly, own, ground)
  startFunctions(
    functions,
    [...own, ...foreign.played],
    { ...endpoints, dynamodb: ground.dynamodbEndpoint },
    ground,
    new Set(schedules.map(({ functionArn }) => functionArn)),
  )
  const triggers = triggersOf(scope, assembly)
  const { mysql: server, consent } = ground
  if (server.external)
    await agreeOnChanges({ server, clusters: clustersOf(scope), triggers, functions, consent })
  await runTriggers(triggers, functions, log)

  // The poller waits and tries again by its own rules: a second schedule below it would only hide what happens.
  const streams = new DynamoDBStreamsClient({ ...sdk, requestHandler: SDK_TIMEOUTS, maxAttempts: 1 })
  closers.add('streams client', async () => streams.destroy())
  startMappings(scope, streams, functions, ground)
  if (ground.expiry !== undefined) runExpiry(tables, ground.expiry, ground)
  for (const { functionArn, ...schedule } of schedules) {
    const running = startSchedule(schedule, (event) => functions.find(functionArn).invoke(event), log)
    closers.add(`schedule ${schedule.name}`, async () => running.stop())
  }

  const api = defined?.api ?? { id: 'none', stage: '$default', routes: [] }
  const served = ground.inspect ? patient(api) : api
  gateway.serve(
    createHandler(served, (arn, event, requestId) => functions.find(arn).invoke(event, requestId)),
  )
  return {
    endpoints,
    tables,
    clusters,
    routes: routesOf(api, functions),
    functions,
    outputs: localOutputs(scope, api.id, gateway.url),
    notes: notesOf(assembly, api, foreign),
  }
}

/** Starts the small servers that stand for services; of the functions, only the list has to be there. */
const startServices = async (
  { mysql, log, closers, dataApi: options }: Ground,
  parts: {
    readonly store: SecretStore
    readonly clusters: readonly RunningCluster[]
    readonly functions: FunctionRegistry
    readonly buckets: ReturnType<typeof bucketsOf>
  },
): Promise<RunningTemplate['endpoints']> => {
  const { store, clusters, functions, buckets } = parts
  const secretsManager = await startSecretsManager({ store, log })
  closers.add('Secrets Manager', () => secretsManager.close())
  const sts = await startSts({ log })
  closers.add('STS', () => sts.close())
  const s3 = await startS3({ buckets, log })
  closers.add('S3', () => s3.close())
  const lambda = await startLambda({ functions, log })
  closers.add('Lambda', () => lambda.close())
  const cloudWatch = await startCloudWatch({ metrics: functions.recent, log })
  closers.add('CloudWatch', () => cloudWatch.close())
  const dataApi = await startDataApi({
    clusters: clusters.map(({ resourceArn, database }) => ({
      arn: resourceArn,
      host: mysql.host,
      port: mysql.port,
      settings: mysql.external ? 'server' : 'aurora',
      ...(database !== undefined && { defaultDatabase: database }),
    })),
    secrets: store,
    log,
    ...options,
  })
  closers.add('Data API', () => dataApi.close())
  return {
    rdsData: dataApi.endpoint,
    secretsManager: secretsManager.endpoint,
    sts: sts.endpoint,
    s3: s3.endpoint,
    lambda: lambda.endpoint,
    cloudWatch: cloudWatch.endpoint,
  }
}

/** The API of the stack; undefined when it has none. @throws TemplateError for more than one */
const apiOf = (scope: TemplateScope): DefinedApi | undefined => {
  const [defined, ...more] = apisOf(scope)
  if (more.length === 0) return defined
  const reason = 'more than one HTTP API: one gateway runs here'
  throw new TemplateError('template.unsupported', 'Resources', reason)
}

const startFunctions = (
  functions: FunctionRegistry,
  definitions: readonly FunctionDefinition[],
  endpoints: Endpoints,
  { home, log, inspect }: Ground,
  scheduled: ReadonlySet<string>,
): void => {
  for (const definition of definitions) {
    const file = openLogFile(join(home, 'logs', `${definition.name}.log`), log)
    functions.add(new LocalFunction(definition, variablesOf(definition, endpoints), file, { inspect }))
  }
  const later = new Set([...scheduled].map((arn) => functions.find(arn)))
  // Loaded while the triggers run; on AWS the first request would wait for it. For what a schedule runs nobody waits, but
  // a debugger.
  for (const fn of functions.list()) if (inspect || !later.has(fn)) fn.warm()
}

const runExpiry = (
  tables: readonly StartedTable[],
  settings: ExpirySettings,
  { dynamodbEndpoint: endpoint, log, closers }: Ground,
): void => {
  const sdk = { endpoint, region: REGION, credentials: LOCAL_CREDENTIALS }
  const client = new DynamoDBClient({ ...sdk, requestHandler: SDK_TIMEOUTS })
  closers.add('expiry client', async () => client.destroy())
  // Whoever reads what is kept of jobs and requests goes by its time, and a job takes as long here as anywhere.
  const expiring = tables.flatMap(({ expiring, streamArn }) =>
    expiring === undefined || streamArn === undefined ? [] : [expiring],
  )
  const running = startExpiry(client, expiring, settings, log)
  closers.add('expiry', () => running.stop())
}

const startMappings = (
  scope: TemplateScope,
  streams: DynamoDBStreamsClient,
  functions: FunctionRegistry,
  { home, log, closers, mappings: sooner }: Ground,
): void => {
  const destinations = destinationsOf(scope, join(home, FAILURES))
  for (const mapping of mappingsOf(scope)) {
    const destination = destinationOf(destinations, mapping)
    const fn = functions.find(mapping.functionName)
    if (!mapping.enabled) {
      log(`${mapping.logicalId}: the event source mapping is disabled`)
      continue
    }
    const running = startMapping({
      name: mapping.logicalId,
      settings: { ...mapping.settings, ...sooner },
      fn,
      source: sdkSource(streams, log),
      folder: join(home, 'checkpoints'),
      log,
      ...(destination && { destination }),
    })
    closers.add(`event source mapping ${running.name}`, () => running.stop())
  }
}

/** What a person may call; a route that says that it has no method is for the gateway alone. */
const routesOf = (api: HttpApi, functions: FunctionRegistry): RunningRoute[] =>
  api.routes
    .filter(({ usage }) => usage?.methods.length !== 0)
    .map((route) => ({
      method: route.key.method ?? '$default',
      path: route.key.text.replace(/^\S+ /, ''),
      functionName: functions.find(route.functionArn).definition.name,
      ...(route.usage && { usage: route.usage }),
    }))

const notesOf = (assembly: Assembly, api: HttpApi, { missing }: ForeignFunctions): string[] => {
  const refused = api.routes.filter(({ authorization }) => authorization !== 'NONE')
  const skipped = notRunHere(assembly)
  return [
    ...(skipped.length > 0 ? [`not run here: ${skipped.join(', ')}`] : []),
    ...(missing === undefined ? [] : [missing]),
    ...(refused.length > 0
      ? [
          `${refused.length} route(s) need an authorizer, which is not checked here: they refuse every request`,
        ]
      : []),
  ]
}

/** The API, with all the time that a person takes who has stopped the function behind it. */
const patient = (api: HttpApi): HttpApi => ({
  ...api,
  routes: api.routes.map((route) => ({ ...route, timeoutMs: PATIENCE_MS })),
})

const startClusters = async (
  scope: TemplateScope,
  store: SecretStore,
  ground: Ground,
): Promise<RunningCluster[]> => {
  const { host, port } = ground.mysql
  const running: RunningCluster[] = []
  for (const cluster of clustersOf(scope)) {
    const login = await startCluster(cluster, ground.mysql)
    scope.publish(cluster.logicalId, {
      'Endpoint.Address': host,
      'Endpoint.Port': String(port),
      'ReadEndpoint.Address': host,
    })
    const secret = cluster.secretArn === undefined ? undefined : store.get(cluster.secretArn)
    // What a SecretTargetAttachment writes into the secret.
    const connection = {
      username: login.user,
      password: login.password,
      engine: 'mysql',
      host,
      port,
      dbClusterIdentifier: cluster.identifier,
      ...(cluster.database !== undefined && { dbname: cluster.database }),
    }
    if (secret) store.put({ ...secret, value: JSON.stringify(connection) })
    running.push({
      resourceArn: cluster.arn,
      ...(secret && { secretArn: secret.arn }),
      ...(cluster.database !== undefined && { database: cluster.database }),
    })
  }
  return running
}

const localOutputs = (scope: TemplateScope, apiId: string, url: string): Record<string, unknown> => {
  const remote = `https://${apiId}.execute-api.${REGION}.${URL_SUFFIX}`
  const local = (value: unknown): unknown =>
    typeof value === 'string' ? value.replaceAll(remote, url) : value
  return Object.fromEntries(Object.entries(scope.outputs()).map(([name, value]) => [name, local(value)]))
}
