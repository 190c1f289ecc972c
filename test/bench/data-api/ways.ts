import {
  BatchExecuteStatementCommand,
  ExecuteStatementCommand,
  type RDSDataClient,
} from '@aws-sdk/client-rds-data'
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  type RawBuilder,
} from 'kysely'
import * as z from 'zod'
import { toParameter } from '../../../functions/bridge/drivers/data-api/fields.ts'
import {
  DataApiQueryCompiler,
  parameterName,
} from '../../../functions/bridge/drivers/data-api/query-compiler.ts'
import type { Repetition, Way } from './measure.ts'
import type { Parts } from './parts.ts'
import type { Workload } from './workloads.ts'

/** The ways. Before a constant answer there is neither endpoint nor database: what the client costs by itself. */
export const names = {
  dialect: 'dialect',
  sdk: 'bare SDK',
  http: 'plain HTTP client',
  direct: 'mysql2',
  sdkConstant: 'bare SDK, constant answer',
  httpConstant: 'plain HTTP client, constant answer',
} as const

const compilerOf = (queryCompiler: MysqlQueryCompiler): Kysely<unknown> =>
  new Kysely({
    dialect: {
      createAdapter: () => new MysqlAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new MysqlIntrospector(db),
      createQueryCompiler: () => queryCompiler,
    },
  })

const named = compilerOf(new DataApiQueryCompiler())
const positional = compilerOf(new MysqlQueryCompiler())

const answer = z.object({
  records: z.array(z.unknown()).optional(),
  numberOfRecordsUpdated: z.number().optional(),
  updateResults: z.array(z.unknown()).optional(),
})

const rowsOf = ({ records, numberOfRecordsUpdated, updateResults }: z.infer<typeof answer>): number =>
  records?.length ?? updateResults?.length ?? numberOfRecordsUpdated ?? 0

const inTurn = async <T>(items: readonly T[], run: (item: T) => Promise<number>): Promise<number> => {
  let rows = 0
  for (const item of items) rows += await run(item)
  return rows
}

/** What the dialect sends too, so that its own cost is all the difference. */
const OPTIONS = {
  includeResultMetadata: true,
  resultSetOptions: { longReturnType: 'STRING', decimalReturnType: 'STRING' },
} as const

const statementInput = (target: Parts['target'], { sql, parameters }: CompiledQuery) => ({
  ...target,
  ...OPTIONS,
  sql,
  parameters: parameters.map((value, at) => toParameter(parameterName(at + 1), value)),
})

const batchInput = (target: Parts['target'], sql: string, sets: readonly (readonly string[])[]) => ({
  ...target,
  sql,
  parameterSets: sets.map((set) => set.map((value, at) => toParameter(parameterName(at + 1), value))),
})

type Requests = { readonly path: '/Execute' | '/BatchExecute'; readonly bodies: readonly object[] }

type Prepare = {
  readonly dialect: (() => Repetition) | undefined
  readonly sdk: (client: RDSDataClient) => Repetition
  readonly requests: () => Requests
  readonly direct: () => Repetition
}

const affected = (result: unknown): number =>
  Array.isArray(result) ? result.length : z.object({ affectedRows: z.number() }).parse(result).affectedRows

const statementWays = (parts: Parts, next: () => readonly RawBuilder<unknown>[]): Prepare => {
  const { target, dialect, direct } = parts
  const inputs = () => next().map((query) => statementInput(target, query.compile(named)))
  return {
    // Building the text is part of what a user of the dialect pays.
    dialect: () => {
      const queries = next()
      return () =>
        inTurn(queries, async (query) => {
          const { rows, numAffectedRows } = await query.execute(dialect)
          return numAffectedRows === undefined ? rows.length : Number(numAffectedRows)
        })
    },
    sdk: (client) => {
      const ready = inputs()
      return () =>
        inTurn(ready, async (input) => rowsOf(await client.send(new ExecuteStatementCommand(input))))
    },
    requests: () => ({ path: '/Execute', bodies: inputs() }),
    direct: () => {
      const queries = next().map((query) => query.compile(positional))
      return () =>
        inTurn(queries, async ({ sql, parameters }) => {
          const [result] = await direct.execute(sql, parameters.map(String))
          return affected(result)
        })
    },
  }
}

const batchWays = (
  { target, direct }: Parts,
  { sql, next }: Extract<Workload, { kind: 'batch' }>,
): Prepare => ({
  // Kysely has no batch: a user of the dialect sends a set as one JSON document, which is the workload before.
  dialect: undefined,
  sdk: (client) => {
    const input = batchInput(target, sql, next())
    return async () => rowsOf(await client.send(new BatchExecuteStatementCommand(input)))
  },
  requests: () => ({ path: '/BatchExecute', bodies: [batchInput(target, sql, next())] }),
  // As the service documents a batch: one statement, prepared once, run and committed set by set.
  direct: () => {
    const sets = next()
    const text = sql.replaceAll(/:\w+/g, '?')
    return () => inTurn(sets, async (set) => affected((await direct.execute(text, [...set]))[0]))
  },
})

const httpWay =
  ({ http }: Parts, endpoint: string, requests: () => Requests) =>
  (): Repetition => {
    const { path, bodies } = requests()
    return () =>
      inTurn(bodies, async (body) => {
        const text = await http.send('POST', `${endpoint}${path}`, JSON.stringify(body))
        return rowsOf(answer.parse(JSON.parse(text)))
      })
  }

/** Has the constant server answer as the endpoint did; of several statements the last one's answer counts. */
const storeAnswer = async (parts: Parts, name: string, requests: () => Requests): Promise<void> => {
  const { http, endpoint, constant } = parts
  const { path, bodies } = requests()
  let text = ''
  for (const body of bodies) text = await http.send('POST', `${endpoint}${path}`, JSON.stringify(body))
  await http.send('PUT', `${constant}/${name}`, text)
}

/** The ways to do a workload; without a dialect where it has no such thing. */
export const waysOf = async (parts: Parts, workload: Workload): Promise<Way[]> => {
  const prepare =
    workload.kind === 'batch' ? batchWays(parts, workload) : statementWays(parts, () => workload.next())
  const name = workload.name.replaceAll(' ', '-')
  await storeAnswer(parts, name, prepare.requests)
  const { dialect } = prepare
  const constant = parts.constantSdk(name)
  return [
    ...(dialect ? [{ name: names.dialect, next: dialect }] : []),
    { name: names.sdk, next: () => prepare.sdk(parts.sdk) },
    { name: names.http, next: httpWay(parts, parts.endpoint, prepare.requests) },
    { name: names.direct, next: prepare.direct },
    { name: names.sdkConstant, next: () => prepare.sdk(constant) },
    { name: names.httpConstant, next: httpWay(parts, `${parts.constant}/${name}`, prepare.requests) },
  ]
}
