import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader, RowDataPacket } from 'mysql2'
import { ChangeLog } from '../../../../functions/bridge/aurora/change-log.ts'
import { type RelayParts, relay } from '../../../../functions/bridge/mirror/relay.ts'
import { runRelay } from '../../../../functions/bridge/mirror/run-relay.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { SteppedBackError } from '../../../../functions/bridge/model/store-mark.ts'
import { LambdaMetrics, RELAY } from '../../../../functions/bridge/runtime/metrics.ts'
import { recipeDefinition } from '../../../fixtures/entities/recipe.ts'
import { mirroredChef } from '../aurora/triggers/legacy.ts'
import { keepStore } from '../cutover/restores.ts'
import { type MirrorWorld, openMirror } from './world.ts'

const chef = mirroredChef()
const recipe = defineEntity({ ...recipeDefinition(chef), mirror: {} })

describe('a store that was restored, and nobody has said so', () => {
  let world: MirrorWorld
  beforeAll(async () => {
    world = await openMirror([chef, recipe], { chef: 'Chefs', recipe: 'Recipes' })
  }, 60_000)
  afterAll(() => world.close())

  const run = async (statement: string, values: unknown[] = []): Promise<ResultSetHeader> =>
    (await world.legacy.query<ResultSetHeader>(statement, values))[0]
  const newChef = async (name: string): Promise<string> =>
    String((await run("INSERT INTO cheftable (cheffirst, cheflast) VALUES (?, 'T')", [name])).insertId)
  const rename = (id: string, name: string) =>
    run('UPDATE cheftable SET cheffirst = ? WHERE id = ?', [name, id])
  const nameOf = async (id: string) => (await world.item(chef, id))?.firstName?.S
  const logged = async (): Promise<number> => {
    const [[row]] = await world.legacy.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM backsync_changes')
    return Number(row?.n)
  }
  const keep = () => keepStore('aurora', [], { world, legacy: run })
  /** Another invocation, which remembers nothing. */
  const fresh = (): RelayParts => ({ ...world.relayParts, marks: world.newMarks() })
  const saidBy = async (parts: RelayParts = fresh()): Promise<unknown> =>
    relay(parts).then(
      () => 'nothing',
      (error: unknown) => (error instanceof SteppedBackError ? error.stores : error),
    )
  const recovered = async (...entities: readonly string[]): Promise<void> => {
    for (const entity of entities) await world.newMarks().renew(entity)
  }

  /** A row that is still to be carried, of an Aurora that is restored once a newer one was. */
  const restoredBehind = async (): Promise<string> => {
    const id = await newChef('First')
    await world.carry()
    await rename(id, 'Logged')
    const restore = await keep()
    await rename(id, 'Newer')
    await world.carry()
    await restore()
    return id
  }

  it('stops the relay before it lifts what is older above newer items, and its log stays', async () => {
    const id = await restoredBehind()

    // One that knows what it has told, and one that has to ask.
    for (const parts of [world.relayParts, fresh()])
      expect(await saidBy(parts)).toEqual([
        { entity: 'chef', store: 'aurora' },
        { entity: 'recipe', store: 'aurora' },
      ])
    expect([await nameOf(id), await logged()]).toEqual(['Newer', 1])

    await recovered('chef', 'recipe')
    expect(await saidBy()).toBe('nothing')
  })

  it('would have the relay lift it, if nobody looked', async () => {
    const id = await restoredBehind()
    const blind = { begin: async () => {}, judge: async () => [], raise: async () => true }

    await relay({ ...world.relayParts, marks: blind })
    expect([await nameOf(id), await logged()]).toEqual(['Logged', 0])
    await recovered('chef', 'recipe')
  })

  it('is seen by a relay that was at work when it happened', async () => {
    const id = await newChef('First')
    const restore = await keep()
    await rename(id, 'Newer')
    await world.carry()
    let looks = 0
    class Restoring extends ChangeLog {
      override async read(...of: Parameters<ChangeLog['read']>) {
        looks += 1
        if (looks === 2) {
          await restore()
          await rename(id, 'On the restored one')
        }
        return super.read(...of)
      }
    }
    const parts: RelayParts = { ...world.relayParts, changes: new Restoring(world.sync.aurora.db) }
    const staying = relay(parts, { poll: 1, mayBegin: () => looks < 4 })

    await expect(staying).rejects.toThrow('npx backsync cutover recover chef --restored aurora')
    expect(await nameOf(id)).toBe('Newer')
    await recovered('chef', 'recipe')
  })

  it('holds up no other entity, once that is recovered', async () => {
    await restoredBehind()
    await recovered('recipe')
    const chefId = await newChef('Julia')
    const { insertId } = await run("INSERT INTO recipetable (chef_id, title) VALUES (?, 'Soup')", [chefId])

    expect(await saidBy()).toEqual([{ entity: 'chef', store: 'aurora' }])
    expect([await world.item(recipe, String(insertId)), await world.item(chef, chefId)]).toEqual([
      expect.objectContaining({ title: { S: 'Soup' } }),
      undefined,
    ])

    await recovered('chef')
    await world.carry()
    expect(await nameOf(chefId)).toBe('Julia')
  })

  it('is told of DynamoDB, too: what it was told last is not there any more', async () => {
    await newChef('First')
    await world.carry()
    const restore = await world.keepMarks()
    for (const name of ['Second', 'Third']) {
      await newChef(name)
      await world.carry()
    }
    await restore()

    expect(await saidBy()).toEqual([
      { entity: 'chef', store: 'dynamo' },
      { entity: 'recipe', store: 'dynamo' },
    ])
    await recovered('chef', 'recipe')
    expect(await saidBy()).toBe('nothing')
  })

  it('says nothing of a DynamoDB that is new, beside an Aurora that has marks', async () => {
    await newChef('Before')
    await world.carry()
    await world.forgetMarks()

    expect(await saidBy()).toBe('nothing')
    await newChef('Behind')
    expect(await saidBy()).toBe('nothing')
  })

  it('is counted, for an alarm', async () => {
    const gaugeOf = async (parts: RelayParts) => {
      const lines: string[] = []
      const metrics = new LambdaMetrics(RELAY, { write: (line) => lines.push(line) })
      await runRelay(parts, { stays: false, gauges: metrics }).catch(() => undefined)
      metrics.flush()
      return JSON.parse(lines.join('')).SteppedBack
    }
    expect(await gaugeOf(fresh())).toBe(0)
    await restoredBehind()
    expect(await gaugeOf(fresh())).toBe(2)
    await recovered('chef', 'recipe')
  })

  it('costs a call of each store for what is carried at once, and none where there is nothing', async () => {
    const { calls, statements } = world.sync.aurora
    let told = 0
    const marks = world.newMarks()
    await relay({ ...world.relayParts, marks })
    const counted: RelayParts['marks'] = {
      begin: async () => {},
      judge: (...of) => marks.judge(...of),
      raise: async (...of) => {
        told += 1
        return marks.raise(...of)
      },
    }
    const parts = { ...world.relayParts, marks: counted }
    for (let n = 0; n < 3; n++) await newChef(`Chef ${n}`)
    const before = statements('backsync_marks AS a')
    await relay(parts, { mayBegin: once() })
    // What is carried is raised; and where a look finds nothing for the first time.
    expect([told, statements('backsync_marks AS a') - before]).toEqual([1, 1])

    const idle = calls()
    await relay(parts, { poll: 1, mayBegin: times(5) })
    const five = calls() - idle
    const again = calls()
    await relay(parts, { poll: 1, mayBegin: times(6) })
    const blind = { begin: async () => {}, judge: async () => [], raise: async () => true }
    const without = calls()
    await relay({ ...parts, marks: blind }, { poll: 1, mayBegin: times(6) })
    // The first look that finds nothing raises; all others cost what they did.
    expect([five, without - again]).toEqual([expect.any(Number), calls() - without + 1])
  })
})

const times = (most: number) => {
  let begun = 0
  return () => begun++ < most
}
/** One pass: it is asked before it, and before each page. */
const once = () => times(2)
