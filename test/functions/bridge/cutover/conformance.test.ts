import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { toItem } from '../../../../functions/bridge/dynamo/items.ts'
import type { RecordKind } from '../../../../functions/bridge/model/attributes/attribute.ts'
import { conformance, type Stores } from './conformance.ts'
import { openPlates, type Plates } from './plates.ts'
import { setsAsSides } from './sets-as-sides.ts'

describe.each<RecordKind>(['row', 'sideTable'])(
  'both real stores do what those in memory do, with records in a %s',
  (record) => {
    let world: Plates
    beforeAll(async () => {
      world = await openPlates(record)
    })
    afterAll(() => world.close())

    describe.each(['one', 'many'] as const)('by the calls for %s', (how) => {
      it.each(conformance)('$title', async ({ play, comes }) => {
        const { plate, write, sync } = world
        const sides = how === 'one' ? world.sides : setsAsSides(world.sets, world.sides)
        const { sink, source } = sync.parts
        const real: Stores = {
          ...{ key: `plate-${randomUUID()}`, sides, sink, source },
          write,
          put: (change) => sync.put(plate, toItem(plate, change, change.op === 'upsert' ? change.row : {})),
        }
        expect(await play(real)).toEqual(comes)
      })
    })
  },
)
