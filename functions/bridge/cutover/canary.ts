import { holdsAll, type Row } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import { keyOfRow } from '../model/identity.ts'
import type { Epoch, Owner } from '../model/owner.ts'
import { targetOf } from '../model/route.ts'
import type { KeyRecord } from '../ports/key-records.ts'
import type { EntityStore } from '../ports/store.ts'
import type { DynamoRoutes } from '../routes/dynamo-routes.ts'
import { sleep } from '../runtime/retry.ts'
import type { Claimed } from './claim.ts'

/** How long a write may take to the other store, in milliseconds: of a relay that comes once a minute, more than that. */
const PATIENCE = 100_000
const LOOK_EVERY = 200

export type CanaryParts = {
  readonly stores: Readonly<Record<Owner, EntityStore>>
  readonly read: Readonly<Record<Owner, (entity: Entity, key: string) => Promise<KeyRecord>>>
  readonly claim: (entity: Entity, key: string, to: Owner, epoch: Epoch | undefined) => Promise<Claimed>
  readonly routes: DynamoRoutes
  readonly newKey: () => string
  readonly signal?: AbortSignal | undefined
  /** How long a write may take to the other store, in milliseconds. @default longer than a minute */
  readonly patience?: number
  /** Hears which step is begun. */
  readonly onStep?: (step: string) => void
}

/** A key that was to go to DynamoDB and back has not come through. */
export class CanaryError extends BridgeError {
  override readonly name = 'CanaryError'
  readonly code = 'canary.failed'
  readonly kind = 'client'
}

/** How long a write took to the other store, in milliseconds, each way; undefined where Aurora's writes aren't carried over. */
export type CanaryOutcome = {
  readonly key: string
  readonly toAurora: number
  readonly toDynamo: number | undefined
}

/**
 * Has a key of its own go to DynamoDB and back: it is made there, comes to Aurora by the stream, is claimed for Aurora, written
 * there, comes back by the relay where the entity is mirrored, is claimed for DynamoDB with that content, and deleted; what is left of
 * it goes where it belongs, so that no sweep stumbles over it. The route remembers that it has, and up to which move: its next one is
 * a later one. What is left of a canary that dies is deleted as any other key.
 *
 * @param row its content, which no other key has
 * @throws CanaryError naming the step at which it was lost; what a store says against it
 */
export const runCanary = async (entity: Entity, row: Row, parts: CanaryParts): Promise<CanaryOutcome> => {
  const { stores, read, claim, routes, newKey, onStep = () => undefined } = parts
  const { name } = entity
  const key = entity.identity.kind === 'natural' ? keyOfRow(entity.keyParts, row) : newKey()
  for (const side of ['aurora', 'dynamo'] as const)
    if ((await read[side](entity, key)).state === 'held')
      throw new CanaryError(`There is a ${name} with the key of the canary: give it a body that nobody has`)
  const at = () => new Date().toISOString()
  const own = { entity: name, key, source: 'canary' }
  const arrives = async (side: Owner, what: string, version: bigint, isThere: boolean): Promise<number> => {
    onStep(what)
    const began = performance.now()
    for (;;) {
      const record = await read[side](entity, key)
      const isHeld = record.state === 'held' && record.version >= version && holdsAll(record.row, row)
      const took = Math.round(performance.now() - began)
      if (isThere ? isHeld : record.state !== 'held') return took
      if (took > (parts.patience ?? PATIENCE))
        throw new CanaryError(
          `The canary ${key} of ${name} was lost: ${what} was not seen within ${Math.round(took / 1000)} s`,
        )
      await sleep(LOOK_EVERY, parts.signal)
    }
  }
  let side: Owner = 'dynamo'
  let epoch: Epoch = 0n
  const moveTo = async (to: Owner): Promise<void> => {
    onStep(`its claim for ${to}`)
    const { record } = await claim(entity, key, to, undefined)
    side = to
    epoch = record.epoch
  }
  await stores.dynamo.write(entity, { ...own, at: at(), op: 'upsert', version: 1n, row })
  try {
    const toAurora = await arrives('aurora', 'its birth in DynamoDB by the stream', 1n, true)
    await moveTo('aurora')
    const written = await stores.aurora.write(entity, {
      ...own,
      at: at(),
      op: 'upsert',
      version: 'next',
      row,
    })
    const version = written?.version ?? 2n
    const isMirrored = entity.mirror !== undefined
    const toDynamo = isMirrored
      ? await arrives('dynamo', 'its write in Aurora by the relay', version, true)
      : undefined
    await moveTo('dynamo')
    await arrives('dynamo', 'what Aurora had of it behind its claim', version, true)
    await stores.dynamo.write(entity, { ...own, at: at(), op: 'delete', version: 'next' })
    await arrives('aurora', 'its delete in DynamoDB by the stream', version + 1n, false)
    const target = targetOf((await routes.read(name)).route, key)
    if (target !== side) await moveTo(target)
    await routes.note(name, (route) => ({ ...route, canary: { at: at(), key, toAurora, epoch } }))
    return { key, toAurora, toDynamo }
  } catch (error) {
    // It is nobody's. Where it can't be deleted either, that is no news.
    await stores[side]
      .write(entity, { ...own, at: at(), op: 'delete', version: 'next' })
      .catch(() => undefined)
    throw error
  }
}
