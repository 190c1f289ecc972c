import { claim } from '../../../../../functions/bridge/cutover/claim.ts'
import type { Intent } from '../../../../../functions/bridge/model/change.ts'
import { type Epoch, type Owner, otherOf } from '../../../../../functions/bridge/model/owner.ts'
import type { KeyRecord } from '../../../../../functions/bridge/ports/key-records.ts'
import { plate } from '../../../fixtures/plate.ts'
import type { Faces } from '../fakes/faces.ts'
import { AT } from '../fakes/fake-dynamo.ts'

/** Where the writes of a route belong, and the number of the move that said so. */
export type Route = { readonly target: Owner; readonly epoch: Epoch }

export type Wish = { readonly does: 'put' | 'delete'; readonly title: string }

/**
 * A facade's write: at the key's owner, after a claim where the route as it is known says so and the key's record is of
 * an earlier move.
 */
export const request = async (
  { sides, write }: Pick<Faces, 'sides' | 'write'>,
  of: { readonly key: string; route: Route },
  wish: Wish,
  look: () => Route,
) => {
  for (let round = 1; round <= 3; round++) {
    const { target, epoch } = of.route
    const here = await sides[target].read(plate, of.key)
    // Of what has no item, and never had, Aurora's record tells whose it is.
    const isUnknown = target === 'dynamo' && here.state === 'absent' && here.epoch === 0n
    const says = isUnknown ? await sides.aurora.read(plate, of.key) : here
    if (says.owner === target) return send(write, target, here, wish)
    if (says.epoch < epoch) {
      // Both have been looked at by then: what is plain is claimed by that look.
      const other = await sides[otherOf(target)].read(plate, of.key)
      const seen = target === 'aurora' ? { aurora: here, dynamo: other } : { aurora: other, dynamo: here }
      await claim(plate, of.key, target, sides, { epoch, seen })
      continue
    }
    const there = isUnknown ? says : await sides[otherOf(target)].read(plate, of.key)
    if (there.owner === otherOf(target)) return send(write, there.owner, there, wish)
    of.route = look()
  }
}

const send = async (
  write: Faces['write'],
  side: Owner,
  { key, state, version }: KeyRecord,
  { does, title }: Wish,
): Promise<void> => {
  const own = { entity: plate.name, key, source: 'api', at: AT }
  const row = { code: key, title }
  const ifMatch = [version]
  if (state === 'held') {
    const intent: Intent =
      does === 'put'
        ? { ...own, op: 'upsert', version: 'next', row, ifMatch }
        : { ...own, op: 'delete', version: 'next', ifMatch }
    await write(side, intent)
  } else if (does === 'put') await write(side, { ...own, op: 'upsert', version: 1n, row })
}
