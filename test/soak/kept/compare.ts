import { type AttributeValue, ScanCommand, type ScanCommandOutput } from '@aws-sdk/client-dynamodb'
import type { Item } from '../../../functions/bridge/drivers/dynamo/items.ts'
import type { Ground } from '../ground.ts'
import { openParking } from '../write-back.ts'

/**
 * Holds the kept tables against the tables that they are kept by, as their definitions say, written down once more.
 *
 * @returns what differs and is not parked, a line each
 */
export const compareKept = async (ground: Ground): Promise<readonly string[]> => {
  const { kept } = ground
  const [users, places, preferences, renewed] = await Promise.all(
    [kept.users, kept.usersByCity, kept.preferences, kept.preferencesV2].map((name) => scan(ground, name)),
  )
  const parking = openParking(ground)
  const [waiting, bad] = await Promise.all(
    ['users-by-city', 'user-preferences-v2'].map((name) => parking.parkedOf(name)),
  )
  return [
    ...compareUsers(users ?? [], places ?? [], new Set(waiting?.keys())),
    ...comparePreferences(preferences ?? [], renewed ?? []),
    ...[...(bad?.keys() ?? [])].map((key) => `user-preferences-v2 ${key}: parked, though it can be applied`),
  ]
}

/** Each user stands at its place, or waits for it: then another one stands there. */
const compareUsers = (
  users: readonly Item[],
  places: readonly Item[],
  waiting: ReadonlySet<string>,
): string[] => {
  const placed = new Map(places.map((item) => [placeOf(item), item]))
  const byEmail = new Map(users.map((user) => [user.email?.S, user]))
  const wrong = users.flatMap((user) => {
    const at = placed.get(placeOf(user))
    if (at === undefined)
      return [`users-by-city ${placeOf(user)}: nobody is there, ${user.email?.S} should be`]
    if (at.email?.S === user.email?.S) return []
    return [...waiting].some((key) => key.includes(user.email?.S ?? '?'))
      ? []
      : [
          `users-by-city ${placeOf(user)}: ${at.email?.S} is there, and ${user.email?.S} is not listed as waiting`,
        ]
  })
  const ghosts = places.filter((item) => {
    const user = byEmail.get(item.email?.S)
    return user === undefined || placeOf(user) !== placeOf(item) || item.zipcode !== undefined
  })
  return [
    ...wrong,
    ...ghosts.map((item) => `users-by-city ${placeOf(item)}: ${item.email?.S} does not live there`),
  ]
}

const comparePreferences = (old: readonly Item[], renewed: readonly Item[]): string[] => {
  const wanted = new Map(old.map((item) => [idOf(item), JSON.stringify(renewedOf(item))]))
  const found = new Map(renewed.map((item) => [idOf(item), JSON.stringify(bareOf(item))]))
  return [...new Set([...wanted.keys(), ...found.keys()])].flatMap((id) =>
    wanted.get(id) === found.get(id)
      ? []
      : [`user-preferences-v2 ${id}: ${found.get(id) ?? 'nothing'}, not ${wanted.get(id) ?? 'nothing'}`],
  )
}

const placeOf = ({ state, city }: Item): string => JSON.stringify([state?.S, city?.S])
const idOf = ({ id, preferenceType }: Item): string => JSON.stringify([id?.S, preferenceType?.S])

const renewedOf = ({ value, legacyFlag: _, ...rest }: Item): unknown =>
  bareOf({
    ...rest,
    ...(value && { preferenceValue: value }),
    schemaVersion: { N: '2' },
    enabled: { BOOL: value !== undefined && value.S !== 'off' },
  })

/** Without what the guard adds, in one order. */
const bareOf = (item: Item): [string, AttributeValue][] =>
  Object.entries(item)
    .filter(([name]) => !/^backsync/i.test(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))

const scan = async ({ dynamodb }: Ground, TableName: string): Promise<readonly Item[]> => {
  const items: Item[] = []
  let from: Record<string, AttributeValue> | undefined
  do {
    const page: ScanCommandOutput = await dynamodb.send(
      new ScanCommand({ TableName, ConsistentRead: true, ExclusiveStartKey: from }),
    )
    items.push(...(page.Items ?? []))
    from = page.LastEvaluatedKey
  } while (from !== undefined)
  return items
}
