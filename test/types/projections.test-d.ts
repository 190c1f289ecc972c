// Checked by tsc and never run: an expected error that doesn't come is an error.
import type { Row } from '../../functions/bridge/model/change.ts'
import type { Value } from '../../functions/bridge/model/values.ts'
import { type Projection, replicate, reshape } from '../../functions/bridge/tables/projection.ts'
import { defineTable } from '../../functions/bridge/tables/table.ts'
import { isTrue, type Same } from './same.ts'

const users = defineTable({ name: 'users', key: { partition: 'email' } })

// --- replicate
const byCity = replicate({ from: users, to: 'users-by-city', key: { partition: 'state', sort: 'city' } })
isTrue<Same<typeof byCity, Projection>>()
replicate({ from: users, to: 'names', pick: ['name'] })
replicate({ from: users, to: 'names', omit: ['zipcode'], keepApart: true })

// @ts-expect-error either what is kept is named, or what is left out
replicate({ from: users, to: 'names', pick: ['name'], omit: ['zipcode'] })
// @ts-expect-error the table that is read is declared, not named
replicate({ from: 'users', to: 'names' })
// @ts-expect-error the table that is kept has a name
replicate({ from: users })
// @ts-expect-error a key has a partition
replicate({ from: users, to: 'names', key: { sort: 'city' } })
// @ts-expect-error attributes are named by text
replicate({ from: users, to: 'names', pick: [1] })
// @ts-expect-error one attribute is a list too
replicate({ from: users, to: 'names', omit: 'zipcode' })
// @ts-expect-error new names are a matter of reshape
replicate({ from: users, to: 'names', rename: { name: 'fullName' } })
// @ts-expect-error apart or not
replicate({ from: users, to: 'names', keepApart: 'yes' })

// --- reshape
const second = reshape({
  from: users,
  to: 'users-v2',
  rename: { name: 'fullName' },
  drop: ['legacyFlag'],
  set: {
    schema: 2,
    large: 9_007_199_254_740_993n,
    active: true,
    nothing: null,
    label: 'v2',
    // An item may have no such attribute, and what it has may be anything.
    known: (before) => {
      isTrue<Same<typeof before, Row>>()
      const email = before.email
      isTrue<Same<typeof email, Value | undefined>>()
      return before.email !== undefined
    },
    copied: ({ email }) => email ?? null,
  },
  map: (item, before) => {
    isTrue<Same<typeof item, Row>>()
    isTrue<Same<typeof before, Row>>()
    return before.email === undefined ? undefined : { ...item, schema: item.schema ?? null }
  },
})
isTrue<Same<typeof second, Projection>>()
isTrue<Same<ReturnType<Projection['project']>, Row | undefined>>()
isTrue<Same<Projection['kind'], 'replicate' | 'reshape'>>()

// @ts-expect-error picking is a matter of replicate
reshape({ from: users, to: 'users-v2', pick: ['name'] })
// @ts-expect-error a new name is text
reshape({ from: users, to: 'users-v2', rename: { name: 2 } })
// @ts-expect-error attributes are left out by a list of names
reshape({ from: users, to: 'users-v2', drop: { name: true } })
// @ts-expect-error a date is no value of an item
reshape({ from: users, to: 'users-v2', set: { since: new Date(0) } })
// @ts-expect-error undefined is no value: what is to be left out is dropped
reshape({ from: users, to: 'users-v2', set: { since: undefined } })
// @ts-expect-error what is computed is there at once
reshape({ from: users, to: 'users-v2', set: { since: async () => 'now' } })
// @ts-expect-error a computed value is there for every item
reshape({ from: users, to: 'users-v2', set: { since: ({ email }) => email } })
// @ts-expect-error an item is mapped to an item
reshape({ from: users, to: 'users-v2', map: () => 'item' })
reshape({
  from: users,
  to: 'users-v2',
  map: (_, before) => {
    // @ts-expect-error what was there before is not to be written to
    before.name = 'x'
    return before
  },
})
