import { describe, expect, it } from '@jest/globals'
import { LARGE } from './scenes.ts'
import { search } from './search.ts'

describe('a key of which nothing is lost, in scenes that take their time', () => {
  it.each(Object.entries(LARGE))(
    'with %s',
    async (_, scene) => {
      const { fault } = await search(scene, { most: 150_000 })
      expect(fault).toBeUndefined()
    },
    600_000,
  )
})
