import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { readOnce } from '../../../../functions/bridge/http/idempotency-key.ts'
import { derivedKey } from '../../../../functions/bridge/model/derived-key.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import { runs } from '../../../support/runs.ts'
import { type FacadeWorld, openFacadeWorld } from './facade-world.ts'
import { belonging, KINDS, type Kind } from './repeatable.ts'

const WEEK = 7 * 24 * 3600 * 1000
const SIDES: readonly Owner[] = ['aurora', 'dynamo']

/** What Aurora is asked for by a create, in its order. */
const STEPS = ['INSERT IGNORE INTO backsync_idempotency', 'INSERT INTO `', 'SET answer'] as const

type Step =
  | { readonly is: 'post'; readonly title: string; readonly isOld: boolean; readonly twins: boolean }
  /** A create whose invocation dies at a statement, or whose answer to that gets lost. */
  | { readonly is: 'lost'; readonly at: number; readonly dies: boolean }
  /** The route is moved; `follows`: and all keys with it. */
  | { readonly is: 'move'; readonly to: Owner; readonly follows: boolean }
  | { readonly is: 'put' | 'delete' }
  /** So much time goes by that the header counts as new. */
  | { readonly is: 'week' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      is: fc.constant('post'),
      title: fc.constantFrom('one', 'one', 'two'),
      isOld: fc.boolean(),
      twins: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ is: fc.constant('lost'), at: fc.nat(2), dies: fc.boolean() }) },
  {
    weight: 5,
    arbitrary: fc.record({ is: fc.constant('move'), to: fc.constantFrom(...SIDES), follows: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ is: fc.constantFrom('put', 'delete') }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('week') }) },
)

/**
 * One Idempotency-Key, repeated by facades with routes of any age, with one body or another, at once, with lost answers and
 * dying invocations, while its route and what it has made are moved, written over and deleted.
 */
describe.each(KINDS.map((kind) => [kind.name, kind] as const))(
  'whoever repeats a create of %s',
  (_, kind: Kind) => {
    const { entity, path } = kind
    const isNatural = entity.identity.kind === 'natural'
    let world: FacadeWorld
    beforeAll(async () => {
      world = await openFacadeWorld()
    })
    afterAll(() => world.close())

    const idOf = (once: string): string => {
      const headers = { 'idempotency-key': once }
      const request = { method: 'POST', path, segments: [], query: {}, headers, body: undefined }
      return readOnce(request, { entity: entity.name, body: null })?.id ?? ''
    }
    const play = async (steps: readonly Step[], clears: boolean) => {
      let once = randomUUID()
      // One in sixteen removes records that have expired: with its own of the life before goes all that was known of that.
      while (idOf(once).startsWith('0') !== clears) once = randomUUID()
      const name = `n-${once.slice(0, 12)}`
      const headers = { 'idempotency-key': once }
      const id = idOf(once)
      const keys = isNatural ? [name] : [0, 1, 2].map((life) => derivedKey(id, life))
      const { faults } = world.sync.aurora.api
      let old = world.move(belonging.aurora)
      let passed = 0
      /** Of each life of the header: what was answered with 201, by the title that was sent. */
      const lives: { title: string; answer: string; key: string }[][] = [[]]
      const strange: string[] = []
      const post = async (title: string, known?: typeof old, mayFail = false) => {
        const sent = { body: kind.body(name, title), headers, at: new Date(Date.now() + passed) }
        const {
          status,
          body,
          headers: { location, etag },
        } = await world.send('POST', path, sent, world.facadeWith(known ? { known } : {}))
        if (status === 201)
          lives.at(-1)?.push({
            title,
            answer: JSON.stringify([body, location, etag]),
            key: String(body[entity.keyName]),
          })
        else if (![409, 422, 503].includes(status) && !mayFail)
          strange.push(`${status} ${JSON.stringify(body)}`)
        return status
      }
      const act = async (one: Step): Promise<void> => {
        const at = new Date(Date.now() + passed)
        switch (one.is) {
          case 'post':
            await Promise.all([
              post(one.title, one.isOld ? old : undefined),
              ...(one.twins ? [post(one.title)] : []),
            ])
            break
          case 'lost': {
            const sql = STEPS[one.at] ?? STEPS[0]
            faults.add(
              one.dies
                ? { kind: 'error', error: 'ForbiddenException', sql, times: 1 }
                : { kind: 'drop-after', sql, times: 1 },
            )
            await post('one', undefined, one.dies)
            faults.clear()
            break
          }
          case 'move': {
            old = world.route()
            const { epoch } = world.move(belonging[one.to])
            if (one.follows)
              for (const key of keys)
                await world.facadeParts.claim(entity, key, one.to, epoch).catch(() => undefined)
            break
          }
          case 'week':
            passed += WEEK + 60_000
            lives.push([])
            break
          default:
            for (const key of keys)
              await world.send(one.is === 'put' ? 'PUT' : 'DELETE', `${path}/${key}`, {
                ...(one.is === 'put' && { body: kind.body(name, 'over'), headers: { 'if-match': '*' } }),
                at,
              })
        }
      }
      for (const one of steps) await act(one)
      const found = new Set<string>()
      for (const side of SIDES)
        for (const key of keys)
          if ((await world.sides[side].read(entity, key)).state === 'held') found.add(key)
      const [rows] = await world.sync.aurora.legacy.query(kind.count, [name])
      const count = Array.isArray(rows) ? Number(Object(rows[0]).n) : NaN
      return { lives, strange, count, found, most: isNatural ? 1 : lives.length }
    }

    it('gets one answer in each life of the header, to one body, and has made one at most', async () => {
      let acknowledged = 0
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 6, maxLength: 16 }),
          fc.boolean(),
          async (steps, clears) => {
            const { lives, strange, count, found, most } = await play(steps, clears)
            expect(strange).toEqual([])
            for (const life of lives) {
              expect([...new Set(life.map(({ title }) => title))].length).toBeLessThanOrEqual(1)
              expect([...new Set(life.map(({ answer }) => answer))].slice(1)).toEqual([])
              acknowledged += life.length
            }
            const made = lives.flatMap((life) => life.slice(0, 1).map(({ key }) => key))
            expect(new Set(made).size).toBe(isNatural ? Math.min(made.length, 1) : made.length)
            expect(count).toBeLessThanOrEqual(most)
            expect(found.size).toBeLessThanOrEqual(most)
          },
        ),
        { ...runs(60, { seed: 9, short: 12 }), endOnFailure: true },
      )
      expect(acknowledged).toBeGreaterThan(0)
    }, 240_000)
  },
)
