import type { Connection } from 'mysql2/promise'
import * as z from 'zod'
import { mirroredChef } from '../../fixtures/mirrored/entities.ts'
import { openTestAurora } from '../../support/aurora.ts'
import { installMirror } from '../../support/mirrored.ts'
import type { Line } from '../back-sync/line.ts'

/** Times that the price of one write, or of one statement that writes many rows, may be what it was. */
const GOAL = { single: 1.25, bulk: 2.5 }
const SINGLES = { rounds: 9, statements: 150 }
const BULK = { rounds: 3, rows: 20_000 }

/** A legacy program's statement on so many rows, whose ids follow each other. */
type Write = { readonly name: string; readonly of: (from: number, rows: number) => string }

const between = (from: number, rows: number): string =>
  rows === 1 ? `id = ${from}` : `id BETWEEN ${from} AND ${from + rows - 1}`

/** In this order, each works on what the one before has left. Ids are the server's to choose, as most legacy programs leave it. */
const WRITES: readonly Write[] = [
  {
    name: 'INSERT',
    of: (from, rows) =>
      `INSERT INTO cheftable (cheffirst, cheflast) VALUES ${Array.from({ length: rows }, (_, at) => `('chef ${from + at}', 'Bench')`).join(', ')}`,
  },
  {
    name: 'UPDATE',
    of: (from, rows) =>
      `UPDATE cheftable SET cheffirst = CONCAT(cheffirst, '.') WHERE ${between(from, rows)}`,
  },
  { name: 'DELETE', of: (from, rows) => `DELETE FROM cheftable WHERE ${between(from, rows)}` },
]

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

const milliseconds = async (work: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

const written = z.tuple([z.object({ affectedRows: z.number() }), z.unknown()])

/** What reaches no rows measures nothing. */
const expectRows = (result: unknown, rows: number): void => {
  const [{ affectedRows }] = written.parse(result)
  if (affectedRows !== rows) throw new Error(`${affectedRows} rows were written instead of ${rows}`)
}

/** What the same writes took with triggers and without, in milliseconds, round by round. */
type Taken = { readonly with: number[]; readonly without: number[] }

const lineOf = (name: string, taken: Taken, goal: number): Line => {
  const baseline = median(taken.without)
  return {
    ...{ name, value: median(taken.with), unit: 'ms', baseline, limit: baseline * goal, goal },
    ratio: median(taken.with.map((took, at) => took / (taken.without[at] ?? Number.NaN))),
    ofLimit: median(taken.with) / (baseline * goal),
  }
}

/**
 * What legacy programs pay for the triggers of the mirror: the same writes to two databases of one server, of which one has them, in
 * turns. One line for each kind of write, one row at a time and many in one statement. The servers of the tests keep nothing on a
 * disk: where a commit has its price, what triggers add to one row weighs less.
 */
export const legacyWriters = async (): Promise<readonly Line[]> => {
  const [mirrored, plain] = [await openTestAurora(), await openTestAurora()]
  await installMirror(mirrored, [mirroredChef])
  const taken = new Map<string, Taken>()
  const both = async (
    name: string,
    isEven: boolean,
    write: (legacy: Connection) => Promise<unknown>,
  ): Promise<void> => {
    const of = taken.get(name) ?? { with: [], without: [] }
    taken.set(name, of)
    const one = async () => of.with.push(await milliseconds(() => write(mirrored.legacy)))
    const other = async () => of.without.push(await milliseconds(() => write(plain.legacy)))
    // Who goes first may find a colder server.
    for (const turn of isEven ? [one, other] : [other, one]) await turn()
  }
  const forget = async (): Promise<void> => {
    await mirrored.legacy.query('DELETE FROM backsync_changes')
    await mirrored.legacy.query('DELETE FROM backsync_tombstones')
  }
  try {
    // The first round of each is thrown away.
    let first = 1
    for (let round = 0; round <= SINGLES.rounds; round++) {
      for (const { name, of } of WRITES)
        await both(`single ${name}`, round % 2 === 0, async (legacy) => {
          for (let at = 0; at < SINGLES.statements; at++) expectRows(await legacy.query(of(first + at, 1)), 1)
        })
      if (round === 0) taken.clear()
      first += SINGLES.statements
      await forget()
    }
    for (let round = 0; round < BULK.rounds; round++) {
      // The server may have left out ids behind a statement of many rows.
      for (const { legacy } of [mirrored, plain])
        await legacy.query(`ALTER TABLE cheftable AUTO_INCREMENT = ${first}`)
      for (const { name, of } of WRITES)
        await both(`bulk ${name}`, round % 2 === 0, async (legacy) =>
          expectRows(await legacy.query(of(first, BULK.rows)), BULK.rows),
        )
      first += 10 * BULK.rows
      await forget()
    }
  } finally {
    await mirrored.close()
    await plain.close()
  }
  const lines = (kind: 'single' | 'bulk', what: string, each: number) =>
    WRITES.map(({ name }) => {
      const of = taken.get(`${kind} ${name}`) ?? { with: [], without: [] }
      const per = { with: of.with.map((took) => took / each), without: of.without.map((took) => took / each) }
      return lineOf(`legacy ${name}, ${what}`, per, GOAL[kind])
    })
  return [
    ...lines('single', 'one row', SINGLES.statements),
    ...lines('bulk', `${BULK.rows} rows in one statement`, 1),
  ]
}
