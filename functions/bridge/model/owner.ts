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

/**
 * Whose a key is, as both records say it together. `moving`: of a claim only the first step is done. `disputed`: each side says
 * that it is its own, or the other's.
 */
export type Ownership = {
  readonly is: Owner | 'moving' | 'disputed'
  readonly epoch: Epoch
  readonly to?: Owner
}

/** What both records say together; where one has none, the other one says it. */
export const ownershipOf = (
  aurora: Authority | undefined,
  dynamo: Authority | undefined,
): Ownership | undefined => {
  const [one, other] = [aurora ?? dynamo, dynamo ?? aurora]
  if (one === undefined || other === undefined) return undefined
  if (one.owner === other.owner) return { is: one.owner, epoch: laterMove(one.epoch, other.epoch) }
  if (one.epoch === other.epoch) return { is: 'disputed', epoch: one.epoch }
  const { owner, epoch } = one.epoch > other.epoch ? one : other
  return { is: 'moving', epoch, to: owner }
}
