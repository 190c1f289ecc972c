import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import type { Route } from '../../../../functions/bridge/model/route.ts'
import { chef, jug, plate } from './facade-world.ts'

/** Where a route has its keys belong to a side. */
export const belonging: Readonly<Record<Owner, Partial<Route>>> = {
  aurora: { stage: 'shadow', percent: 0 },
  dynamo: { stage: 'live', percent: 100 },
}

/** An entity that clients make by POST, each told by a name. */
export type Kind = {
  readonly name: string
  readonly entity: Entity
  readonly path: string
  readonly body: (name: string, title: string) => Record<string, string>
  /** The attribute that holds the name. */
  readonly named: string
  /** Counts the rows of a name. */
  readonly count: string
}

/** One for each way in which keys are made. */
export const KINDS: readonly Kind[] = [
  {
    ...{ name: 'a counted id', entity: chef, path: '/chefs', named: 'firstName' },
    body: (firstName, lastName) => ({ firstName, lastName }),
    count: 'SELECT COUNT(*) AS n FROM cheftable WHERE cheffirst = ?',
  },
  {
    ...{ name: 'a UUID', entity: jug, path: '/jugs', named: 'label' },
    body: (label, title) => ({ label, title }),
    count: 'SELECT COUNT(*) AS n FROM jugs WHERE label = ?',
  },
  {
    ...{ name: 'a key that clients choose', entity: plate, path: '/plates', named: 'code' },
    body: (code, title) => ({ code, title }),
    count: 'SELECT COUNT(*) AS n FROM plates WHERE code = ?',
  },
]
