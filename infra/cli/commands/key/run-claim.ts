import { claimListed } from '../../../../functions/bridge/cutover/listed-claim.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import { ClaimConflictError, StaleClaimError } from '../../../../functions/bridge/ports/claim-errors.ts'
import type { DecidedRecords } from '../../../../functions/bridge/ports/key-records.ts'
import type { Parking } from '../../../../functions/bridge/ports/parking.ts'
import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT } from '../../conventions/exit-codes.ts'

type Wanted = {
  readonly entity: Entity
  readonly key: string
  readonly to: Owner
  readonly insists: boolean
}

/** @returns what was done, in words: `moved`, `already`, `would be moved` */
export const runClaim = async (
  { io, target, dryRun, yes, interrupt }: Context,
  {
    sides,
    parking,
  }: {
    readonly sides: Readonly<Record<Owner, DecidedRecords>>
    readonly parking: Pick<Parking, 'park' | 'parkedAmong' | 'resolve'>
  },
  { entity, key, to, insists }: Wanted,
): Promise<string> => {
  if (dryRun) return 'would be moved'
  const content = insists ? ', with what that holds, whatever the other side has,' : ''
  await confirm(io, {
    what: `Moving ${entity.name} ${key} to ${to}${content} on ${target.description}`,
    expected: target.name,
    yes,
    signal: interrupt,
  })
  try {
    const options = { parking, ...(insists && { insists: sides[to] }) }
    return (await claimListed(entity, key, to, sides, options)).done
  } catch (error) {
    if (!(error instanceof ClaimConflictError || error instanceof StaleClaimError)) throw error
    const listed = error instanceof ClaimConflictError ? 'it is listed as a conflict, with both images: ' : ''
    throw new CliError({
      code: error.code,
      message: error.message,
      hint: `${listed}see backsync key ${entity.name} ${key}; --insist keeps what ${to} holds`,
      exit: EXIT.refused,
    })
  }
}
