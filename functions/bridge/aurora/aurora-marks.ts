import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import { type RaisedMark, type RaisedMarks, TOKENS_KEPT, type ToldMark } from '../model/store-mark.ts'
import type { AuroraMarkStore, NextMark } from '../ports/store-marks.ts'

type SqlRow = Readonly<Record<string, unknown>>

const BLANK = ' '

/** A mark of a row that says its tokens, its number and which one DynamoDB had. */
export const toRaisedMark = (tokens: unknown, mark: unknown, witnessed: unknown): RaisedMark => {
  const [last = '', ...former] = String(tokens).split(BLANK)
  return { mark: BigInt(String(mark)), tokens: [last, ...former], witnessed: BigInt(String(witnessed)) }
}

/** The marks of entities in Aurora, a row each. */
export class AuroraMarks implements AuroraMarkStore {
  readonly #db: Kysely<unknown>

  /** What of this is done twice is refused the second time, or changes nothing. */
  constructor(db: Kysely<unknown>) {
    this.#db = idempotently(db)
  }

  async read(entities: readonly string[]): Promise<RaisedMarks> {
    if (entities.length === 0) return new Map()
    const { rows } = await sql<SqlRow>`
      SELECT entity, CAST(mark AS CHAR) AS mark, tokens, CAST(witnessed AS CHAR) AS witnessed
      FROM backsync_marks WHERE entity IN (${sql.join(entities)})`.execute(this.#db)
    return new Map(
      rows.map(({ entity, mark, tokens, witnessed }) => [
        String(entity),
        toRaisedMark(tokens, mark, witnessed),
      ]),
    )
  }

  async raise(marks: readonly NextMark[]): Promise<boolean> {
    const first = marks.filter(({ was }) => was === undefined)
    const later = marks.filter(({ was }) => was !== undefined)
    let raised = 0n
    if (first.length > 0) {
      const rows = first.map(
        ({ entity, next, witnessed }) => sql`(${entity}, ${next.mark}, ${next.token}, ${witnessed})`,
      )
      const { numAffectedRows = 0n } = await sql`
        INSERT IGNORE INTO backsync_marks (entity, mark, tokens, witnessed) VALUES ${sql.join(rows)}`.execute(
        this.#db,
      )
      raised += numAffectedRows
    }
    if (later.length > 0) raised += await this.#follow(later)
    return raised === BigInt(marks.length)
  }

  async #follow(marks: readonly NextMark[]): Promise<bigint> {
    const document = marks.map(({ entity, was, next, witnessed }) => ({
      ...{ e: entity, m: String(was?.mark), t: was?.token },
      ...{ n: String(next.mark), x: next.token, w: String(witnessed) },
    }))
    const { numAffectedRows = 0n } = await sql`
      UPDATE JSON_TABLE(${JSON.stringify(document)}, '$[*]' COLUMNS (
        e VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PATH '$.e' ERROR ON ERROR,
        m BIGINT UNSIGNED PATH '$.m' ERROR ON ERROR,
        t VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin PATH '$.t' ERROR ON ERROR,
        n BIGINT UNSIGNED PATH '$.n' ERROR ON ERROR,
        x VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin PATH '$.x' ERROR ON ERROR,
        w BIGINT UNSIGNED PATH '$.w' ERROR ON ERROR)) AS j
        STRAIGHT_JOIN backsync_marks AS a ON a.entity = j.e
      SET a.mark = j.n, a.witnessed = j.w,
        a.tokens = SUBSTRING_INDEX(CONCAT(j.x, ${BLANK}, a.tokens), ${BLANK}, ${sql.lit(TOKENS_KEPT)})
      WHERE a.mark = j.m AND SUBSTRING_INDEX(a.tokens, ${BLANK}, 1) = j.t`.execute(this.#db)
    return numAffectedRows
  }

  async renew(entity: string, { mark, token }: ToldMark): Promise<void> {
    await sql`
      REPLACE INTO backsync_marks (entity, mark, tokens, witnessed) VALUES (${entity}, ${mark}, ${token}, 0)`.execute(
      this.#db,
    )
  }
}
