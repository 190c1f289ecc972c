import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { toItem } from '../../../../functions/bridge/dynamo/items.ts'
import { plate } from '../../fixtures/plate.ts'
import { conformance, type Stores } from './conformance.ts'
import { openPlates } from './plates.ts'
import type { World } from './world.ts'

describe('both real stores do what those in memory do', () => {
  let world: World
  beforeAll(async () => {
    world = await openPlates()
  })
  afterAll(() => world.close())

  it.each(conformance)('$title', async ({ play, comes }) => {
    const { sides, stores, sync } = world
    const { sink, source } = sync.parts
    const real: Stores = {
      ...{ key: `plate-${randomUUID()}`, sides, sink, source },
      write: (side, change) => stores[side].write(plate, change),
      put: (change) => sync.put(plate, toItem(plate, change, change.op === 'upsert' ? change.row : {})),
    }
    expect(await play(real)).toEqual(comes)
  })
})
