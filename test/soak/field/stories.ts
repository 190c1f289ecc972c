import { setTimeout as wait } from 'node:timers/promises'
import type { Item } from '../../../functions/bridge/drivers/dynamo/items.ts'
import type { SoakEntity } from '../ground.ts'
import { callApi } from '../writers/api.ts'
import { FAILOVER, type Scene } from './scene.ts'

/** What must be true of a key at the end. */
export type Ending = {
  readonly entity: SoakEntity
  readonly key: string
  /** In both stores the same and parked nowhere; or listed as parked, by one of these codes. */
  readonly ends: 'equal' | { readonly listed: RegExp }
  /** Nobody did anything wrong with it: it must never have been parked for long. */
  readonly clean: boolean
}

/** Something that happens to a key. @returns what must be true in the end */
type Story = (scene: Scene, key: string) => Promise<readonly Ending[]>

/** Of nobody else's name: the legacy table has a unique index over both. */
const person = (scene: Scene, lastName = 'Last'): Item => ({
  firstName: { S: scene.name() },
  lastName: { S: lastName },
})
const equal = (key: string, clean: boolean, entity: SoakEntity = 'chef'): Ending => ({
  entity,
  key,
  ends: 'equal',
  clean,
})
const listed = (key: string, codes: RegExp): Ending => ({
  entity: 'chef',
  key,
  ends: { listed: codes },
  clean: false,
})

/** Characters of a text that makes a row larger than a result's row may be. */
const LARGE = 90_000

/** Puts versions one after the other; the stream may coalesce them. */
const putUpTo = async (scene: Scene, key: string, versions: number): Promise<void> => {
  for (let version = 1; version <= versions; version++) await scene.put('chef', key, version, person(scene))
}

/** Put, deleted, and put again by a writer that begins at 1: PutItem knows of no version. */
const rebirth = async (scene: Scene, key: string): Promise<number> => {
  const versions = scene.random.int(1, 5)
  await putUpTo(scene, key, versions)
  await scene.applied('chef', key, versions)
  await scene.remove('chef', key)
  await scene.applied('chef', key, versions + 1)
  await scene.put('chef', key, 1, person(scene))
  return versions + 1
}

/** A writer that takes a version for a new one that is older. */
const stepBack = async (scene: Scene, key: string): Promise<number> => {
  const version = scene.random.int(2, 9)
  await scene.put('chef', key, version, person(scene))
  await scene.applied('chef', key, version)
  await scene.put('chef', key, scene.random.int(1, version - 1), person(scene))
  return version
}

export const stories = {
  'a writer that counts its versions': async (scene, key) => {
    const versions = scene.random.int(5, 25)
    await putUpTo(scene, key, versions)
    if (scene.random.chance(0.2)) await scene.remove('chef', key)
    return [equal(key, true)]
  },
  'a client of the API': async (scene) => {
    const { url } = scene.ground.stack
    const row = () => ({ firstName: scene.name(), lastName: 'Client' })
    const { status, key } = await callApi(url, 'chef', { method: 'POST', row: row() })
    scene.count(1)
    if (status !== 201) return []
    const replaced = scene.random.int(1, 6)
    for (let n = 0; n < replaced; n++) await callApi(url, 'chef', { method: 'PUT', key, row: row() })
    scene.count(replaced)
    if (scene.random.chance(0.3)) {
      await callApi(url, 'chef', { method: 'DELETE', key })
      scene.count(1)
    }
    return [equal(key, true)]
  },
  'a recipe before its chef': async (scene, key) => {
    const recipe = `${key}-recipe`
    await scene.put('recipe', recipe, 1, { chefId: { S: key }, title: { S: 'Soup' } })
    await wait(scene.random.int(0, 1_500))
    await scene.put('chef', key, 1, person(scene))
    return [equal(key, true), equal(recipe, true, 'recipe')]
  },
  'a key that is born again': async (scene, key) => {
    await rebirth(scene, key)
    return [equal(key, false)]
  },
  'a key that is born again, and written on': async (scene, key) => {
    const buried = await rebirth(scene, key)
    await scene.put('chef', key, buried + 1, person(scene))
    return [equal(key, false)]
  },
  'a version that goes back': async (scene, key) => {
    await stepBack(scene, key)
    return [equal(key, false)]
  },
  'a version that goes back, and on': async (scene, key) => {
    const version = await stepBack(scene, key)
    await scene.put('chef', key, version + 1, person(scene))
    return [equal(key, false)]
  },
  'a life, a death and a life in haste': async (scene, key) => {
    const versions = scene.random.int(1, 5)
    await putUpTo(scene, key, versions)
    await scene.remove('chef', key)
    await scene.put('chef', key, scene.random.int(1, versions), person(scene))
    return [equal(key, false)]
  },
  'a delete of a version that goes back': async (scene, key) => {
    await stepBack(scene, key)
    await scene.remove('chef', key)
    return [equal(key, false)]
  },
  'a record that is none, and a good one behind it': async (scene, key) => {
    await scene.put('chef', key, 1, { ...person(scene), firstName: { SS: ['not', 'a', 'name'] } })
    await scene.put('chef', key, 2, person(scene))
    return [equal(key, false)]
  },
  'a record that is none, and nothing behind it': async (scene, key) => {
    await scene.put('chef', key, 1, { ...person(scene), firstName: { SS: ['not', 'a', 'name'] } })
    return [listed(key, /^record\./)]
  },
  'two contents of one version': async (scene, key) => {
    await scene.put('chef', key, 2, person(scene, 'One'))
    await scene.applied('chef', key, 2)
    await scene.put('chef', key, 2, person(scene, 'Other'))
    return [equal(key, false)]
  },
  'a row that a trigger refuses': async (scene, key) => {
    const { name, code } = scene.refusal()
    await scene.put('chef', key, 1, person(scene, name))
    return [listed(key, new RegExp(`^${code.replace('.', '\\.')}$`))]
  },
  'a row that a trigger refuses, then mended': async (scene, key) => {
    await scene.put('chef', key, 1, person(scene, scene.refusal().name))
    await wait(scene.random.int(0, 2_000))
    await scene.put('chef', key, 2, person(scene))
    return [equal(key, false)]
  },
  'the legacy application on a row of the bridge': async (scene, key) => {
    await scene.put('chef', key, 1, person(scene))
    await scene.applied('chef', key, 1)
    await scene.legacy('UPDATE cheftable SET cheffirst = ? WHERE backsync_key = ?', [scene.name(), key])
    await scene.put('chef', key, 2, person(scene))
    return [equal(key, false)]
  },
  'two rows that change names': async (scene, key) => {
    const [one, other] = [`${key}-one`, `${key}-other`]
    const [red, blue] = [person(scene, 'Swapped'), person(scene, 'Swapped')]
    await scene.put('chef', one, 1, red)
    await scene.put('chef', other, 1, blue)
    await Promise.all([one, other].map((each) => scene.applied('chef', each, 1)))
    await scene.put('chef', one, 2, blue)
    await scene.put('chef', other, 2, red)
    return [equal(one, true), equal(other, true)]
  },
  'a name that is given up later': async (scene, key) => {
    const [one, other] = [`${key}-one`, `${key}-other`]
    const name = person(scene, 'Given up')
    await scene.put('chef', one, 1, name)
    await scene.applied('chef', one, 1)
    await scene.put('chef', other, 1, name)
    await wait(scene.random.int(0, 2_000))
    await scene.put('chef', one, 2, person(scene))
    return [equal(one, true), equal(other, true)]
  },
  'a chef who goes before their recipes': async (scene, key) => {
    const recipes = Array.from({ length: scene.random.int(1, 4) }, (_, at) => `${key}-recipe-${at}`)
    await scene.put('chef', key, 1, person(scene))
    for (const recipe of recipes)
      await scene.put('recipe', recipe, 1, { chefId: { S: key }, title: { S: 'Stew' } })
    for (const recipe of recipes) await scene.applied('recipe', recipe, 1)
    await scene.remove('chef', key)
    await wait(scene.random.int(0, 2_000))
    for (const recipe of recipes) await scene.remove('recipe', recipe)
    return [equal(key, true), ...recipes.map((recipe) => equal(recipe, true, 'recipe'))]
  },
  'a row to which a legacy table refers that knows what to do then': async (scene, key) => {
    await scene.put('chef', key, 1, person(scene))
    await scene.applied('chef', key, 1)
    await scene.legacy('INSERT INTO field_notes (chef_id) SELECT id FROM cheftable WHERE backsync_key = ?', [
      key,
    ])
    await scene.remove('chef', key)
    return [equal(key, true)]
  },
  'a key that is a telephone number': async (scene) => {
    const key = `49${String(scene.random.int(100_000_000, 999_999_999))}`
    await putUpTo(scene, key, scene.random.int(1, 3))
    return [equal(key, true)]
  },
  'a record without a version, and an older one once more': async (scene, key) => {
    const first = person(scene)
    await scene.put('chef', key, 1, first)
    await scene.applied('chef', key, 1)
    await scene.putItem(scene.ground.tables.chef.name, { chefId: { S: key }, ...person(scene) })
    await scene.listed('chef', key)
    await scene.deliverAgain('chef', key, 1, first)
    return [listed(key, /^record\./)]
  },
  'two contents of one version of a row that no single result holds': async (scene, key) => {
    const recipe = `${key}-large`
    const large = (letter: string): Item => ({
      chefId: { S: key },
      title: { S: 'Soup' },
      notes: { M: { text: { S: letter.repeat(LARGE) } } },
    })
    await scene.put('chef', key, 1, person(scene))
    await scene.applied('chef', key, 1)
    await scene.put('recipe', recipe, 2, large('x'))
    await scene.applied('recipe', recipe, 2)
    await scene.put('recipe', recipe, 2, large('y'))
    await scene.applied('recipe', recipe, 3)
    const { status, body } = await scene.read('aurora', 'recipe', recipe)
    if (status !== 200 || !body.includes('y'.repeat(LARGE)))
      throw new Error(`the large row of ${recipe} is answered with ${status}: ${body.slice(0, 200)}`)
    return [equal(key, true), equal(recipe, false, 'recipe')]
  },
  'a row that meets a failover': async (scene, key) => {
    await scene.put('chef', key, 1, person(scene, `${FAILOVER}${Date.now() + scene.failover}`))
    return [equal(key, true)]
  },
  'a client who names a member as a prototype': async (scene, key) => {
    const response = await fetch(`${scene.ground.stack.url}/dynamo/recipes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"chefId":"${key}","title":"Soup","notes":{"__proto__":{"a":1}}}`,
    })
    if (response.status < 400) throw new Error(`a member __proto__ was taken, with status ${response.status}`)
    return []
  },
  'a user without a place': async (scene, key) => {
    // An index of places has no entry for it, and nothing is wrong with that.
    await scene.putItem(scene.ground.kept.users, { email: { S: `${key}@example.com` }, state: { S: 'none' } })
    return []
  },
} as const satisfies Readonly<Record<string, Story>>

export type StoryName = keyof typeof stories

/** How many of each there are, one against the other. */
export const WEIGHTS: Readonly<Record<StoryName, number>> = {
  'a writer that counts its versions': 40,
  'a client of the API': 15,
  'a recipe before its chef': 8,
  'a key that is born again': 5,
  'a key that is born again, and written on': 3,
  'a version that goes back': 5,
  'a version that goes back, and on': 3,
  'a life, a death and a life in haste': 4,
  'a delete of a version that goes back': 3,
  'a record that is none, and a good one behind it': 3,
  'a record that is none, and nothing behind it': 2,
  'two contents of one version': 3,
  'a row that a trigger refuses': 5,
  'a row that a trigger refuses, then mended': 3,
  'the legacy application on a row of the bridge': 4,
  'two rows that change names': 4,
  'a name that is given up later': 4,
  'a chef who goes before their recipes': 3,
  'a row to which a legacy table refers that knows what to do then': 3,
  'a key that is a telephone number': 3,
  'a record without a version, and an older one once more': 2,
  'two contents of one version of a row that no single result holds': 2,
  'a row that meets a failover': 2,
  'a client who names a member as a prototype': 1,
  'a user without a place': 2,
}
