import { randomUUID } from 'node:crypto'
import { fc } from '@fast-check/jest'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader, RowDataPacket } from 'mysql2'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { runs } from '../../../support/runs.ts'
import { writeAsFormerRelease } from '../../fixtures/release-0.2.ts'
import { type FormerStack, openFormerStack } from './takeover-world.ts'

const KEYS = 5
const AT = '2026-11-20T10:00:00.123Z'

/** What happens beside a takeover, one thing after the other. */
const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ does: fc.constant('put' as const), at: fc.nat({ max: KEYS - 1 }) }) },
    {
      weight: 2,
      arbitrary: fc.record({ does: fc.constant('delete' as const), at: fc.nat({ max: KEYS - 1 }) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ does: fc.constant('deliver' as const), at: fc.integer({ min: 1, max: 4 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ does: fc.constant('legacy' as const), at: fc.nat({ max: KEYS - 1 }) }),
    },
  ),
  { minLength: 4, maxLength: 20 },
)
const history = fc.record({
  before: steps,
  beside: steps,
  /** After how many items each run of the takeover is interrupted, before the one that ends it. */
  interruptions: fc.array(fc.integer({ min: 1, max: KEYS }), { maxLength: 2 }),
})
type Steps = typeof steps extends fc.Arbitrary<infer T> ? T : never

/** Keys of both sides, what each is meant to be, and the stream between them. */
class World {
  readonly modern = Array.from({ length: KEYS }, () => ({ key: randomUUID(), version: 0, item: false }))
  readonly legacy: { id: string; name: string }[] = []
  readonly deleted = new Set<string>()
  readonly #records: unknown[] = []
  readonly #stack: FormerStack

  constructor(stack: FormerStack) {
    this.#stack = stack
  }

  /** As release 0.2 has left them. */
  async begin(): Promise<void> {
    for (const one of this.modern) {
      one.version = 1
      one.item = true
      await this.#stack.put(chef, one.key, this.#item(one.version))
      await writeAsFormerRelease(this.#stack.aurora.legacy, {
        ...{ key: one.key, version: 1n, at: AT, row: ['v1', 'Test'] as const },
      })
      const [{ insertId }] = await this.#stack.aurora.legacy.query<ResultSetHeader>(
        "INSERT INTO cheftable (cheffirst, cheflast) VALUES ('old', 'Legacy')",
      )
      this.legacy.push({ id: String(insertId), name: 'old' })
    }
  }

  async does(all: Steps): Promise<void> {
    for (const { does, at } of all) {
      const [one, mine] = [this.modern[at], this.legacy[at]]
      if (does === 'deliver') await this.deliver(at)
      else if (does === 'legacy' && mine !== undefined) {
        mine.name = randomUUID()
        await this.#stack.aurora.legacy.query('UPDATE cheftable SET cheffirst = ? WHERE id = ?', [
          mine.name,
          mine.id,
        ])
      } else if (one !== undefined && does === 'put') {
        // A delete has made one version more.
        one.version += one.item ? 1 : 2
        one.item = true
        this.#records.push(await this.#stack.put(chef, one.key, this.#item(one.version)))
      } else if (one?.item) {
        one.item = false
        this.deleted.add(one.key)
        this.#records.push(await this.#stack.remove(chef, one.key))
      }
    }
  }

  async deliver(most = Number.POSITIVE_INFINITY): Promise<void> {
    for (let count = 0; count < most && this.#records.length > 0; count++)
      await this.#stack.deliver(...this.#records.splice(0, 1))
  }

  /** What the rows should be, by key: name, version, owner. */
  expected(): Record<string, string> {
    const modern = this.modern.filter(({ item }) => item)
    return Object.fromEntries([
      ...modern.map(({ key, version }) => [key, `v${version} ${version} dynamo 0`]),
      ...this.legacy.map(({ id, name }) => [id, `${name} 1 null 0`]),
    ])
  }

  #item(version: number): Item {
    return {
      firstName: { S: `v${version}` },
      lastName: { S: 'Test' },
      version: { N: String(version) },
      updatedAt: { S: new Date().toISOString() },
    }
  }
}

const rowsOf = async (stack: FormerStack): Promise<Record<string, string>> => {
  const [rows] = await stack.aurora.legacy.query<RowDataPacket[]>(
    `SELECT COALESCE(backsync_key, CAST(id AS CHAR)) AS k, cheffirst AS f, backsync_version AS v, backsync_owner AS o,
      backsync_epoch AS e FROM cheftable`,
  )
  return Object.fromEntries(rows.map(({ k, f, v, o, e }) => [k, `${f} ${v} ${o} ${e}`]))
}

/**
 * The local DynamoDB ends a scan of several segments early where the item is gone behind which it goes on; DynamoDB itself goes on.
 */
const segmentsBeside = (steps: Steps): number => (steps.some(({ does }) => does === 'delete') ? 1 : 2)

/** @returns whether it came to its end */
const takeUntil = async (stack: FormerStack, items: number, segments: number): Promise<boolean> => {
  const interrupt = new AbortController()
  const { done } = await stack.take(chef, {
    ...{ segments, page: 1, rests: true, signal: interrupt.signal },
    onProgress: (looked) => looked >= items && interrupt.abort(),
  })
  return done
}

describe('a takeover beside writes on both sides, and the stream that brings them late', () => {
  let stack: FormerStack
  beforeAll(async () => {
    stack = await openFormerStack([chef])
  }, 60_000)
  afterAll(() => stack.close())
  beforeEach(() => stack.empty())

  it('loses nothing: what has an item is DynamoDB’s, as it is there, and all else is Aurora’s', async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ before, beside, interruptions }) => {
        await stack.empty()
        const world = new World(stack)
        await world.begin()
        await world.does(before)
        const take = async (): Promise<void> => {
          const segments = segmentsBeside(beside)
          for (const items of interruptions) if (await takeUntil(stack, items, segments)) return
          while (!(await takeUntil(stack, Number.POSITIVE_INFINITY, segments)));
        }
        await Promise.all([take(), world.does(beside)])
        expect(await stack.isKnown(chef)).toBe(true)
        await world.deliver()

        expect(await rowsOf(stack)).toEqual(world.expected())
        // Of a key that was deleted in between an update that came late may be listed; its content was not the last.
        const listed = (await stack.parked(chef)).filter((one) =>
          world.modern.some(({ key }) => one.startsWith(key)),
        )
        const superseded = [...world.deleted].map((key) => `${key} owner.foreign`)
        expect(superseded).toEqual(expect.arrayContaining(listed))
      }),
      { ...runs(6, { short: 2 }), endOnFailure: true },
    )
  }, 240_000)
})

describe('a takeover whose stream comes late, where nothing is let pass that is from before', () => {
  it('has a delete listed that DynamoDB had accepted, and the row stays', async () => {
    const stack = await openFormerStack([chef], [], (text) =>
      text.replaceAll('AND NOT (t.backsync_owner IS NULL', 'AND NOT (FALSE AND t.backsync_owner IS NULL'),
    )
    try {
      const world = new World(stack)
      await world.begin()
      await world.does([{ does: 'delete', at: 0 }])
      await stack.take(chef, { rests: true })
      await world.deliver()

      expect(await rowsOf(stack)).not.toEqual(world.expected())
      expect(await stack.parked(chef)).toEqual([`${world.modern[0]?.key} owner.foreign`])
    } finally {
      await stack.close()
    }
  }, 60_000)
})
