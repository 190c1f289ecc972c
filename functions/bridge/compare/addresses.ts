import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import { pathOf } from '../model/paths.ts'

/** Who answers for a key: each side by its own path, and whoever stands before both. */
export type Side = 'legacy' | 'modern' | 'facade'

/** What a path is about, and where each side has it. */
export type AddressedPath = {
  readonly entity: Entity
  /** Absent for a list. */
  readonly key?: string
  /** Paths below the API's address, the query included; those of collections, without. */
  readonly paths: Readonly<Record<Side, string>>
  readonly collections: Readonly<Record<Side, string>>
}

/** A path that is no entity's. */
export class UnknownPathError extends BridgeError {
  override readonly name = 'UnknownPathError'
  readonly code = 'compare.path'
  readonly kind = 'client'
}

/**
 * Finds what a path is about.
 *
 * @param url a path at either side, or as the facade has it (`/chefs/17`); or a whole address, of which only path and query count
 * @throws UnknownPathError naming the paths that there are
 */
export const addressesOf = (url: string, entities: readonly Entity[]): AddressedPath => {
  if (!URL.canParse(url, 'http://side')) throw new UnknownPathError(`${url} is no path`)
  const { pathname, search } = new URL(url, 'http://side')
  const candidates = entities.flatMap((entity) =>
    Object.values(collectionsOf(entity)).map((path) => ({ entity, path })),
  )
  // The longest is the one that says most: one entity's path may begin another one's.
  const [found] = candidates
    .filter(({ path }) => pathname === path || pathname.startsWith(`${path}/`))
    .toSorted((one, other) => other.path.length - one.path.length)
  const rest = found === undefined ? '' : pathname.slice(found.path.length + 1)
  if (found === undefined || rest.includes('/')) {
    const known = entities.map((entity) => collectionsOf(entity).facade).join(', ')
    throw new UnknownPathError(`nothing is at ${pathname}; known are ${known === '' ? 'none' : known}`)
  }
  const { entity } = found
  const collections = collectionsOf(entity)
  const key = decoded(rest, pathname)
  const under = (path: string): string => `${path}${rest === '' ? '' : `/${rest}`}${search}`
  return {
    ...{ entity, collections },
    ...(key !== '' && { key }),
    paths: {
      legacy: under(collections.legacy),
      modern: under(collections.modern),
      facade: under(collections.facade),
    },
  }
}

/** Where an entity's lists are. */
const collectionsOf = (entity: Entity): Readonly<Record<Side, string>> => ({
  legacy: pathOf(entity, 'aurora'),
  modern: pathOf(entity, 'dynamo'),
  facade: `/${entity.plural}`,
})

const decoded = (segment: string, path: string): string => {
  try {
    return decodeURIComponent(segment)
  } catch (cause) {
    throw new UnknownPathError(`${path} is no path: an escape in it is none`, { cause })
  }
}
