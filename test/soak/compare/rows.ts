import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { SoakEntity } from '../ground.ts'
import { canonicalJson, canonicalNumber } from './canonical.ts'
import type { Row, Snapshot } from './snapshot.ts'

const COMMON = `t.id AS id, COALESCE(t.backsync_key, CAST(t.id AS CHAR)) AS k,
  CAST(t.backsync_version AS CHAR) AS version,
  DATE_FORMAT(t.backsync_updated_at, '%Y-%m-%dT%H:%i:%s.%f') AS updatedAt`

/** Reads an entity's rows with plain SQL. */
export const readRows = (sql: Connection, entity: SoakEntity): Promise<Snapshot> =>
  entity === 'chef' ? readChefs(sql) : readRecipes(sql)

const readChefs = async (sql: Connection): Promise<Snapshot> => {
  const [chefs] = await sql.query<RowDataPacket[]>(
    `SELECT ${COMMON}, t.cheffirst AS firstName, t.cheflast AS lastName FROM cheftable AS t`,
  )
  return new Map(
    chefs.map((row) => [
      String(row.k),
      { ...common(row), firstName: text(row.firstName), lastName: text(row.lastName) },
    ]),
  )
}

const readRecipes = async (sql: Connection): Promise<Snapshot> => {
  const [recipes] = await sql.query<RowDataPacket[]>(
    `SELECT ${COMMON}, COALESCE(c.backsync_key, CAST(c.id AS CHAR)) AS chefId, t.title AS title,
       CAST(t.price AS CHAR) AS price, DATE_FORMAT(t.published_on, '%Y-%m-%d') AS publishedOn,
       CAST(t.is_vegetarian AS CHAR) AS vegetarian, CAST(t.servings AS CHAR) AS servings, t.difficulty AS difficulty,
       CAST(t.notes AS CHAR) AS notes, LOWER(HEX(t.thumbnail)) AS thumbnail
     FROM recipetable AS t LEFT JOIN cheftable AS c ON c.id = t.chef_id`,
  )
  const [ingredients] = await sql.query<RowDataPacket[]>(
    `SELECT recipe_id AS recipe, position AS place, name, CAST(quantity AS CHAR) AS quantity, unit
     FROM recipe_ingredients ORDER BY recipe_id, position`,
  )
  const lists = Map.groupBy(ingredients, ({ recipe }) => String(recipe))
  return new Map(
    recipes.map((row) => [
      String(row.k),
      {
        ...common(row),
        chefId: text(row.chefId),
        title: text(row.title),
        price: number(row.price),
        publishedOn: text(row.publishedOn),
        vegetarian: text(row.vegetarian),
        servings: number(row.servings),
        difficulty: text(row.difficulty),
        notes: row.notes === null ? null : canonicalJson(String(row.notes)),
        thumbnail: text(row.thumbnail),
        ingredients: JSON.stringify(
          (lists.get(String(row.id)) ?? []).map(({ place, name, quantity, unit }) => [
            Number(place),
            text(name),
            number(quantity),
            text(unit),
          ]),
        ),
      },
    ]),
  )
}

const common = (row: RowDataPacket): Row => ({
  version: number(row.version),
  updatedAt: row.updatedAt === null ? null : `${String(row.updatedAt).slice(0, 23)}Z`,
})

const text = (value: unknown): string | null => (value === null || value === undefined ? null : String(value))
const number = (value: unknown): string | null =>
  value === null || value === undefined ? null : canonicalNumber(String(value))

/** The version at which each deleted key was buried. */
export const readTombstones = async (
  sql: Connection,
  entity: SoakEntity,
): Promise<ReadonlyMap<string, bigint>> => {
  const [tombstones] = await sql.query<RowDataPacket[]>(
    'SELECT entity_key AS k, CAST(version AS CHAR) AS version FROM backsync_tombstones WHERE entity = ?',
    [entity],
  )
  return new Map(tombstones.map(({ k, version }) => [String(k), BigInt(version)]))
}

export type Health = {
  /** Ingredient rows without a recipe. */
  readonly orphans: number
  /** Rows that hold what a poison item held. */
  readonly poison: number
  /** The largest id that each table has given. */
  readonly largestId: Readonly<Record<SoakEntity, number>>
}

/** What must hold whatever DynamoDB says. */
export const readHealth = async (sql: Connection): Promise<Health> => {
  const count = async (query: string): Promise<number> => {
    const [rows] = await sql.query<RowDataPacket[]>(query)
    return Number(rows[0]?.n ?? 0)
  }
  return {
    orphans: await count(
      `SELECT COUNT(*) AS n FROM recipe_ingredients AS i LEFT JOIN recipetable AS r ON r.id = i.recipe_id
       WHERE r.id IS NULL`,
    ),
    poison: await count(
      `SELECT (SELECT COUNT(*) FROM cheftable WHERE cheffirst LIKE 'POISON%')
         + (SELECT COUNT(*) FROM recipetable WHERE title LIKE 'POISON%') AS n`,
    ),
    largestId: {
      chef: await count('SELECT COALESCE(MAX(id), 0) AS n FROM cheftable'),
      recipe: await count('SELECT COALESCE(MAX(id), 0) AS n FROM recipetable'),
    },
  }
}
