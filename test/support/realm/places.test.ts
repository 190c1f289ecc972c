import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { makeFolder, type TemporaryFolder } from '../folder.ts'
import { takePlace } from './places.ts'

describe('places at the cores of the machine', () => {
  let folder: TemporaryFolder
  beforeAll(async () => {
    folder = await makeFolder()
  })
  afterAll(() => folder.remove())

  it('are as many as were said: who comes later waits for one, and has it once it is given back', async () => {
    const [first, second] = await Promise.all([takePlace(folder.path, 2), takePlace(folder.path, 2)])
    let isIn = false
    const third = takePlace(folder.path, 2).then((place) => {
      isIn = true
      return place
    })
    // Somebody else's look at all of them, and back, takes longer than one of its looks.
    await expect(Promise.race([third, takePlace(`${folder.path}/other`, 1)])).resolves.toBeDefined()
    expect(isIn).toBe(false)
    await second.release()
    await (await third).release()
    expect(isIn).toBe(true)
    await first.release()
  })
})
