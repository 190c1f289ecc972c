import { uuidv7 } from 'uuidv7'
import { type HttpResponse, problemResponse } from '../http/response.ts'
import type { Json } from '../model/attributes/attribute.ts'
import type { Change, Intent, Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { jsonRow } from '../model/json-row.ts'
import { normalise } from './index.ts'
import type { TableIndex } from './stream.ts'

/** One write, whoever has asked for it. */
export type GivenChange = {
  /** The entity's name. */
  readonly entity: string
  readonly key: string
  readonly op: 'upsert' | 'delete'
  /** The whole new content by its names in JSON; absent for a delete. */
  readonly row?: Readonly<Record<string, Json>>
  /** Absent where a client changes what is there: one above that. */
  readonly version?: Version
  /** When it was written: ISO 8601, UTC, milliseconds. */
  readonly at: string
  /** Of a stream's record, by which Lambda is told that it is to come again. */
  readonly sequenceNumber?: string
}

/** What an event asks for. */
export type Given = {
  readonly from: 'api' | 'stream'
  /** None for a request that reads. */
  readonly changes: readonly GivenChange[]
  /** What can't be done as it is: of a request with its answer, of a stream's record with its sequence number. */
  readonly refused: readonly {
    readonly why: string
    readonly answer?: HttpResponse
    readonly sequenceNumber?: string
  }[]
}

/**
 * The writes that an event asks for, in one shape whatever it is: a request through a REST API or an HTTP API, or a batch of a
 * DynamoDB stream. For a handler that a team writes itself; everything is checked by the entities' definitions.
 *
 * @param of.tables who reads the streams of which tables: `entityReaders` makes it. @default none: requests only
 * @param of.base the side: the first segment of paths that no definition has. @default 'aurora'
 * @throws UnknownEventError for an event of no known shape
 */
export const changesIn = (
  event: unknown,
  {
    entities,
    tables = new Map(),
    base = 'aurora',
  }: { readonly entities: readonly Entity[]; readonly tables?: TableIndex; readonly base?: string },
): Given => {
  const known = normalise(event, { entities, tables, base, now: () => new Date(), newKey: uuidv7 })
  const given = (change: Change | Intent, sequenceNumber?: string): GivenChange => {
    const { entity, key, op, version, at } = change
    const of = entities.find(({ name }) => name === entity)
    return {
      ...{ entity, key, op, at },
      ...(version !== 'next' && { version }),
      ...(change.op === 'upsert' && of && { row: jsonRow(of, change.row) }),
      ...(sequenceNumber !== undefined && { sequenceNumber }),
    }
  }
  if (known.from === 'stream')
    return {
      from: 'stream',
      changes: known.changes.map(({ change, sequenceNumber }) => given(change, sequenceNumber)),
      refused: known.rejected.map(({ error, sequenceNumber }) => ({ why: error.message, sequenceNumber })),
    }
  if (known.action === 'refuse') {
    const { problem, request } = known
    const answer = problemResponse(problem, request.path, '')
    return { from: 'api', changes: [], refused: [{ why: problem.message, answer }] }
  }
  return { from: 'api', changes: known.changes.map((change) => given(change)), refused: [] }
}
