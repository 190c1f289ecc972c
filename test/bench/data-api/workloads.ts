import { type RawBuilder, sql } from 'kysely'
import { joinRows, toDocumentRow } from '../../../functions/bridge/aurora/document.ts'
import * as statements from '../../../functions/bridge/aurora/statements.ts'
import type { Change } from '../../../functions/bridge/model/change.ts'
import { chef } from '../../fixtures/entities/chef.ts'

/** One thing to do, in a form that every way can take. */
export type Workload = {
  readonly name: string
  /** what one repetition reads or writes */
  readonly rows: number
  /** the share of mysql2's speed that the endpoint is to reach; undefined: none is set */
  readonly goal: number | undefined
} & (
  | {
      readonly kind: 'statements'
      /** The statements of one repetition, one call each. */
      next(): readonly RawBuilder<unknown>[]
    }
  | {
      readonly kind: 'batch'
      /** One statement with the values of each of its sets; text only. */
      readonly sql: string
      next(): readonly (readonly string[])[]
    }
)

const SET = 1000
const AT = '2026-01-01T00:00:00.000Z'

/** How many rows there are from the start; a select reads them, an upsert changes half of a set of them. */
export const PREPARED_ROWS = 10_000

const documentOf = (changes: readonly Change[]): string =>
  joinRows(changes.map((change) => toDocumentRow(chef, change)))

const keyOf = (number: number): string => `chef-${number}`

const upsert = (number: number, version: number): Change => ({
  entity: chef.name,
  op: 'upsert',
  key: keyOf(number),
  row: { firstName: `Bobby ${number}`, lastName: `Flay ${version}` },
  version: BigInt(version),
  source: 'stream',
  at: AT,
})

/** The statements that make the rows which are there from the start. */
export const prepared = (): RawBuilder<unknown>[] =>
  Array.from({ length: PREPARED_ROWS / SET }, (_, part) =>
    statements.insertMissing(
      chef,
      documentOf(Array.from({ length: SET }, (_, at) => upsert(part * SET + at, 1))),
      'ids',
      'dynamo',
    ),
  )

const selectByKey = (): Workload => {
  let turn = 0
  return {
    name: 'select by key',
    kind: 'statements',
    rows: 1,
    goal: 1 / 3,
    next: () => {
      turn += 1
      const key = keyOf((turn * 7919) % PREPARED_ROWS)
      return [
        sql`SELECT id, cheffirst, cheflast, backsync_key, backsync_version FROM cheftable WHERE backsync_key = ${key}`,
      ]
    },
  }
}

const singleInsert = (): Workload => {
  let turn = 0
  return {
    name: 'single insert',
    kind: 'statements',
    rows: 1,
    goal: 1 / 3,
    next: () => {
      turn += 1
      return [sql`INSERT INTO cheftable (cheffirst, cheflast) VALUES (${`Bobby ${turn}`}, ${'Flay'})`]
    },
  }
}

/** As the guarded writer does it: update what is there, insert what is missing. Half of the rows are there. */
const setUpsert = (): Workload => {
  let version = 1
  let fresh = PREPARED_ROWS
  return {
    name: `${SET}-row upsert`,
    kind: 'statements',
    rows: SET,
    goal: 0.8,
    next: () => {
      version += 1
      const changes = Array.from({ length: SET }, (_, at) =>
        at % 2 === 0 ? upsert((version * SET + at) % PREPARED_ROWS, version) : upsert(fresh++, version),
      )
      const document = documentOf(changes)
      return [
        statements.updateOlder(chef, document, 'keys', 'dynamo'),
        statements.insertMissing(chef, document, 'ids', 'dynamo'),
      ]
    },
  }
}

/** No goal is set: each set is a statement that commits by itself, so the database's own time counts most. */
const batchOfSets = (): Workload => {
  let turn = 0
  return {
    name: `batch of ${SET} sets`,
    kind: 'batch',
    rows: SET,
    goal: undefined,
    sql: 'INSERT INTO cheftable (cheffirst, cheflast) VALUES (:p1, :p2)',
    next: () => {
      turn += 1
      return Array.from({ length: SET }, (_, at) => [`Bobby ${at}`, `Flay ${turn}`])
    },
  }
}

export const workloads = (): Workload[] => [selectByKey(), singleInsert(), setUpsert(), batchOfSets()]
