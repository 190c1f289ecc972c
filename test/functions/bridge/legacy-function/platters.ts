import { sql } from 'kysely'
import { integer } from '../../../../functions/bridge/model/attributes/integer.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { apiEventV2 } from '../../../../functions/bridge/model/legacy-events.ts'
import {
  type KnownCall,
  type LegacyCall,
  type LegacyFunctionDefinition,
  legacyFunction,
} from '../../../../functions/bridge/model/legacy-function.ts'
import { meaningOfApi } from '../../../../functions/bridge/model/legacy-meaning.ts'
import { DecimalText } from '../../../../functions/bridge/model/values.ts'
import { arnOf } from './harness.ts'

/* Platters, which a function writes: it counts the words of their titles, and does what some titles say. */

export const AT = '2026-11-22T03:00:00.123Z'

export const platterTables = [
  `CREATE TABLE platters (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, title VARCHAR(60) NOT NULL, size INT NOT NULL,
    words INT NOT NULL)`,
  'CREATE TABLE platter_calls (n INT NOT NULL AUTO_INCREMENT PRIMARY KEY, what VARCHAR(9), title VARCHAR(60))',
]

const toEvent = (calls: readonly LegacyCall[]): unknown => {
  const [call] = calls
  if (call === undefined) return undefined
  return apiEventV2(call, { path: call.op === 'create' ? '/platters' : `/platters/${call.legacyId}` })
}

const idOf = (body: unknown): number | undefined => {
  const id: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'id') : undefined
  return typeof id === 'number' ? id : undefined
}

/** Whether a row has what a call says. */
export const isDone: LegacyFunctionDefinition['done'] = async (
  { op, row, legacyId }: KnownCall,
  database,
) => {
  if (op === 'delete') {
    const { rows } = await sql`SELECT id FROM platters WHERE id = ${legacyId ?? '0'}`.execute(database)
    return rows.length === 0 ? {} : undefined
  }
  const { rows } = await sql<{ readonly id: number }>`
    SELECT id FROM platters WHERE title = ${row?.title} AND size = ${row?.size}`.execute(database)
  return rows[0] === undefined ? undefined : { legacyId: rows[0].id }
}

export const platterOf = (more: Partial<LegacyFunctionDefinition> = {}, functionName = 'platters') =>
  defineEntity({
    name: 'platter',
    plural: 'platters',
    keyName: 'platterId',
    table: 'platters',
    identity: autoIncrement('id'),
    attributes: { title: text({ column: 'title', maxLength: 60 }), size: integer({ column: 'size' }) },
    legacyFunction: legacyFunction({
      functionArn: arnOf(functionName),
      toEvent,
      meaning: (answer) => meaningOfApi(answer, idOf),
      timeout: 3,
      ...more,
      module: undefined,
    }),
    example: { title: 'Cheese', size: 3 },
  })

export const keyOf = (n: number): string => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`

export const upsert = (n: number, title: string, version = 1, more: Partial<Change> = {}): Change => ({
  ...{ entity: 'platter', key: keyOf(n), version: BigInt(version), source: 'stream', at: AT },
  ...{ op: 'upsert', row: { title, size: new DecimalText(String(n)) } },
  ...more,
})

export const remove = (n: number, version: number): Change => ({
  ...{ entity: 'platter', key: keyOf(n), version: BigInt(version), source: 'stream', at: AT, op: 'delete' },
})
