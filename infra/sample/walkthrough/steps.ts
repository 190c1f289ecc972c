import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import * as z from 'zod'
import type { Answer, Client } from './client.ts'
import type { Narrator } from './narrator.ts'
import type { PlainSql } from './plain-sql.ts'

const chefShape = z.object({
  chefId: z.string(),
  firstName: z.string().nullable(),
  lastName: z.string().nullable(),
  version: z.number().int().positive(),
  updatedAt: z.string().nullable(),
})
const pageShape = z.object({ items: z.array(chefShape), cursor: z.string().optional() })
const reportShape = z.object({
  applied: z.array(z.string()),
  migrations: z.array(z.object({ state: z.string() })),
})

const userShape = z.strictObject({ email: z.string(), state: z.string(), city: z.string() })
const usersShape = z.object({ items: z.array(userShape) })

type Chef = z.infer<typeof chefShape>
type Page = z.infer<typeof pageShape>
type Name = { readonly firstName: string; readonly lastName: string }

const ALTON = { firstName: 'Alton', lastName: 'Brown' }
const BOBBY = { firstName: 'Bobby', lastName: 'Flay' }
const MORE = [
  { firstName: 'Julia', lastName: 'Child' },
  { firstName: 'Zoë', lastName: 'François 👩‍🍳' },
  { firstName: "Robert'); DROP TABLE cheftable;--", lastName: 'Tables' },
]

/** How long a change is waited for at the other side; a paused cluster may have to resume first. In milliseconds. */
const PATIENCE = 60_000
/** The pause between two looks. A lag is at most this much too long, plus the time of one call. */
const LOOK_EVERY = 10

/** A step didn't go as expected; it has been told already. */
class StepFailed extends Error {}

/**
 * The whole walkthrough. It leaves a stack as it found it.
 *
 * @param legacy undefined where the stack's database can't be reached: the step that needs it is left out then
 * @returns whether every step went as expected; it stops at the first that doesn't
 * @throws Error when the API can't be reached
 */
export const walk = async (client: Client, narrator: Narrator, legacy?: PlainSql): Promise<boolean> => {
  try {
    await new Walk(client, narrator, legacy).run()
    return true
  } catch (error) {
    if (error instanceof StepFailed) return false
    throw error
  }
}

class Walk {
  readonly #client: Client
  readonly #narrator: Narrator
  readonly #legacy: PlainSql | undefined
  #calls = 0

  constructor(client: Client, narrator: Narrator, legacy: PlainSql | undefined) {
    this.#client = client
    this.#narrator = narrator
    this.#legacy = legacy
  }

  async run(): Promise<void> {
    const heading = (text: string): void => this.#narrator.heading(text)
    heading(`1. The legacy schema is brought up to date (${this.#client.url})`)
    await this.#schema()

    heading('2. The legacy API lists, inserts, lists')
    await this.#list('/aurora/chefs')
    const alton = await this.#create('/aurora/chefs', ALTON)
    await this.#list('/aurora/chefs', [alton])

    heading('3. The modern API does the same on DynamoDB')
    await this.#list('/dynamo/chefs')
    const bobby = await this.#create('/dynamo/chefs', BOBBY)
    const written = performance.now()
    await this.#arrival('POST is in Aurora', bobby, written)
    await this.#list('/dynamo/chefs', [bobby])

    heading('4. The legacy API shows both: the stream ran the legacy handler')
    await this.#list('/aurora/chefs', [alton, bobby])

    heading('5. PUT and DELETE reach Aurora too')
    await this.#roundTrip(bobby, { firstName: 'Robert', lastName: 'Flay' })
    for (const name of MORE) {
      const chef = await this.#create('/dynamo/chefs', name)
      await this.#arrival('POST is in Aurora', chef, performance.now())
      await this.#roundTrip(chef, { ...name, lastName: `${name.lastName} II` })
    }

    heading('6. The legacy API reads, replaces and deletes one')
    await this.#legacyOne(alton)

    heading('7. A user is listed where it lives: another table is kept by that of the users')
    await this.#user()

    heading('8. A legacy program writes by plain SQL: a relay brings it to DynamoDB')
    await this.#plainSql()
    this.#narrator.summary(this.#calls)
  }

  async #schema(): Promise<void> {
    await this.#step('GET', '/aurora', undefined, 200, reportShape, ({ applied, migrations }) => {
      const pending = migrations.filter(({ state }) => state !== 'applied').length
      const meaning = `${migrations.length} migrations, ${applied.length} of them applied by this call`
      return { meaning, problem: pending === 0 ? undefined : 'no migration pending' }
    })
  }

  /** Reads the whole list, page by page. Each of `expected` must be in it once; others may be there too. */
  async #list(path: string, expected: readonly Chef[] = []): Promise<void> {
    const all: Chef[] = []
    const judge = ({ items, cursor }: Page): { meaning: string; problem: string | undefined } => {
      all.push(...items)
      const missing = expected.filter((chef) => all.filter((other) => same(chef, other)).length !== 1)
      const names = all.slice(-3).map(nameOf).join(', ')
      return {
        meaning: all.length === 0 ? 'none' : `${all.length > 3 ? `${all.length}, the last: ` : ''}${names}`,
        problem:
          cursor !== undefined || missing.length === 0
            ? undefined
            : `once each: ${missing.map(nameOf).join(', ')}`,
      }
    }
    let query: string | undefined = ''
    while (query !== undefined) {
      const { cursor }: Page = await this.#step('GET', path + query, undefined, 200, pageShape, judge)
      query = cursor && `?cursor=${encodeURIComponent(cursor)}`
    }
  }

  #create(path: string, name: Name): Promise<Chef> {
    return this.#step('POST', path, name, 201, chefShape, (chef) => ({
      meaning: `${nameOf(chef)} is ${chef.chefId}, version ${chef.version}`,
      problem: named(chef, name) && chef.version === 1 ? undefined : `${JSON.stringify(name)}, version 1`,
    }))
  }

  #replace(path: string, before: Chef, name: Name): Promise<Chef> {
    const version = before.version + 1
    return this.#step('PUT', path, name, 200, chefShape, (chef) => ({
      meaning: `${nameOf(chef)}, version ${chef.version}`,
      problem:
        named(chef, name) && chef.version === version
          ? undefined
          : `${JSON.stringify(name)}, version ${version}`,
    }))
  }

  async #delete(path: string): Promise<void> {
    await this.#step('DELETE', path, undefined, 204, z.undefined(), () => ({
      meaning: 'deleted',
      problem: undefined,
    }))
  }

  async #roundTrip(chef: Chef, name: Name): Promise<void> {
    const path = `/dynamo/chefs/${chef.chefId}`
    const replaced = await this.#replace(path, chef, name)
    await this.#arrival('PUT is in Aurora', replaced, performance.now())
    await this.#delete(path)
    await this.#arrival('DELETE is in Aurora', { chefId: chef.chefId }, performance.now())
  }

  async #legacyOne(chef: Chef): Promise<void> {
    const path = `/aurora/chefs/${chef.chefId}`
    await this.#step('GET', path, undefined, 200, chefShape, (found) => ({
      meaning: nameOf(found),
      problem: same(chef, found) ? undefined : JSON.stringify(chef),
    }))
    await this.#replace(path, chef, { firstName: 'Alton', lastName: 'Brown II' })
    await this.#delete(path)
    await this.#step('GET', path, undefined, 404, z.unknown(), () => ({
      meaning: 'gone',
      problem: undefined,
    }))
  }

  /** A user in a place of its own, which nobody else can have. */
  async #user(): Promise<void> {
    const mark = randomUUID().slice(0, 4)
    const placed = { email: `ada.${mark}@example.com`, state: 'TX', city: `Marfa ${mark}` }
    const user = { ...placed, zipcode: '79843' }
    const list = `/users?state=${placed.state}&city=${encodeURIComponent(placed.city)}`
    await this.#step('POST', '/users', user, 201, z.object({ email: z.string() }), ({ email }) => ({
      meaning: email,
      problem: email === user.email ? undefined : user.email,
    }))
    await this.#listed('the user is in its city', list, placed)
    await this.#step('DELETE', `/users/${user.email}`, undefined, 204, z.undefined(), () => ({
      meaning: 'deleted',
      problem: undefined,
    }))
    await this.#listed('the city is free', list)
  }

  /** Waits until the list has that user only, or none; then asks for it once more, as everybody would. */
  async #listed(what: string, path: string, user?: Readonly<Record<string, string>>): Promise<void> {
    const items = JSON.stringify(user === undefined ? [] : [user])
    const written = performance.now()
    for (;;) {
      const { body } = await this.#client.call('GET', path)
      const found = usersShape.safeParse(body)
      const lag = performance.now() - written
      if (found.success && JSON.stringify(found.data.items.map(inOrder)) === items) {
        this.#narrator.kept(what, lag)
        break
      }
      if (lag > PATIENCE) {
        this.#narrator.missing(`replica: ${what}`, PATIENCE)
        throw new StepFailed()
      }
      await wait(LOOK_EVERY)
    }
    await this.#step('GET', path, undefined, 200, usersShape, (page) => ({
      meaning: page.items.map(({ email }) => email).join(', ') || 'none',
      problem: JSON.stringify(page.items.map(inOrder)) === items ? undefined : items,
    }))
  }

  /** A row that nobody but its program knows of, until the triggers have told of it. */
  async #plainSql(): Promise<void> {
    const legacy = this.#legacy
    if (legacy === undefined)
      return this.#narrator.left('it needs the database of the stack that npm start runs')
    if (!(await legacy.isWatched('cheftable')))
      return this.#narrator.left('the table has no triggers: npx backsync mirror install')
    const id = await this.#run(
      legacy,
      "INSERT INTO cheftable (cheffirst, cheflast) VALUES ('Ruth', 'Rogers')",
    )
    const path = `/dynamo/chefs/${id}`
    await this.#mirrored('INSERT is in DynamoDB', path, 'Ruth Rogers')
    await this.#step('GET', path, undefined, 200, chefShape, (chef) => ({
      meaning: nameOf(chef),
      problem: nameOf(chef) === 'Ruth Rogers' ? undefined : 'Ruth Rogers',
    }))
    await this.#run(legacy, `UPDATE cheftable SET cheflast = 'Gray' WHERE id = ${id}`)
    await this.#mirrored('UPDATE is in DynamoDB', path, 'Ruth Gray')
    await this.#run(legacy, `DELETE FROM cheftable WHERE id = ${id}`)
    await this.#mirrored('DELETE is in DynamoDB', path)
  }

  #run(legacy: PlainSql, statement: string): Promise<string | undefined> {
    this.#narrator.sql(statement)
    return legacy.run(statement)
  }

  /** Waits until DynamoDB shows a chef of that name, or none any more. */
  async #mirrored(what: string, path: string, name?: string): Promise<void> {
    const written = performance.now()
    for (;;) {
      const { status, body } = await this.#client.call('GET', path)
      const parsed = chefShape.safeParse(body)
      const there = name === undefined ? status === 404 : parsed.success && nameOf(parsed.data) === name
      const lag = performance.now() - written
      if (there) return this.#narrator.mirrored(what, lag)
      if (lag > PATIENCE) {
        this.#narrator.missing(`mirror: ${what}`, PATIENCE)
        throw new StepFailed()
      }
      await wait(LOOK_EVERY)
    }
  }

  /** Waits until Aurora shows a chef as it is, or doesn't show it any more. */
  async #arrival(what: string, chef: Chef | Pick<Chef, 'chefId'>, written: number): Promise<void> {
    for (;;) {
      const { status, body } = await this.#client.call('GET', `/aurora/chefs/${chef.chefId}`)
      const parsed = chefShape.safeParse(body)
      const there =
        'version' in chef ? status === 200 && parsed.success && same(chef, parsed.data) : status === 404
      const lag = performance.now() - written
      if (there) return this.#narrator.lag(what, lag)
      if (lag > PATIENCE) {
        this.#narrator.missing(`back-sync: ${what}`, PATIENCE)
        throw new StepFailed()
      }
      await wait(LOOK_EVERY)
    }
  }

  /** One call: sends it, judges the answer, tells both. */
  async #step<S extends z.ZodType>(
    method: string,
    path: string,
    sent: unknown,
    status: number,
    shape: S,
    judge: (body: z.infer<S>) => { meaning: string; problem: string | undefined },
  ): Promise<z.infer<S>> {
    const answer: Answer = await this.#client.call(method, path, sent)
    const body = shape.safeParse(answer.body)
    const judged =
      answer.status === status && body.success
        ? judge(body.data)
        : { meaning: 'unexpected', problem: `status ${status} and a body of the documented form` }
    this.#narrator.call(method, path, sent, answer, judged.meaning, judged.problem)
    if (judged.problem !== undefined || !body.success) throw new StepFailed()
    this.#calls += 1
    return body.data
  }
}

const inOrder = ({ email, state, city }: z.infer<typeof userShape>) => ({ email, state, city })

const nameOf = ({ firstName, lastName }: Chef): string => `${firstName} ${lastName}`

const named = (chef: Chef, name: Name): boolean =>
  chef.firstName === name.firstName && chef.lastName === name.lastName

const same = (one: Chef, other: Chef): boolean =>
  one.chefId === other.chefId &&
  one.firstName === other.firstName &&
  one.lastName === other.lastName &&
  one.version === other.version &&
  one.updatedAt === other.updatedAt
