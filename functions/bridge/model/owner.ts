/** A store whose writes of a key are acknowledged: a key has one at a time. */
export type Owner = 'aurora' | 'dynamo'

/** The number of the move that last gave a key to its owner; 0 where none has. It only grows. */
export type Epoch = bigint

/** What a store's record of a key, its row, item or tombstone, says of authority over it. */
export type Authority = { readonly owner: Owner; readonly epoch: Epoch }

/** The later of two moves. */
export const laterMove = (one: Epoch, other: Epoch): Epoch => {
  if (one > other) return one
  return other
}

export const otherOf = (owner: Owner): Owner => (owner === 'aurora' ? 'dynamo' : 'aurora')
