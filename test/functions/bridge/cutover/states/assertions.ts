import { authorityOf, isTombstone } from '../../../../../functions/bridge/dynamo/authority.ts'
import type { World } from './world.ts'

type Side = { readonly version: bigint; readonly title: string | undefined }

/** What must never be, and of a world in which nothing is going on, what must be. @returns what is wrong */
export const faultOf = (world: World, isQuiet: boolean): string | undefined => {
  const { row, tombstone, item, parked } = world.stores
  const record = row ?? tombstone
  const whose = item && authorityOf(item)
  const isStolen = world.foreign > 0
  if (record?.owner === 'aurora' && whose?.owner === 'dynamo' && !isStolen) return 'two owners'
  if (!isQuiet) return undefined
  if (world.foreign > 0 && !parked.some(({ code }) => code === 'owner.foreign'))
    return 'a foreign write is not listed'
  if (parked.length > 0) return undefined
  const aurora: Side = { version: record?.version ?? 0n, title: row && String(row.row.title) }
  const dynamo: Side = {
    version: BigInt(item?.version?.N ?? '0'),
    title: item === undefined || isTombstone(item) ? undefined : item.title?.S,
  }
  const said = (side: Side): string => `${side.title ?? 'nothing'} (${side.version})`
  const told = `Aurora has ${said(aurora)}, DynamoDB ${said(dynamo)}, acknowledged was ${world.last ?? 'a delete'}`
  const isOfAurora = record === undefined ? whose?.owner === 'aurora' : record.owner === 'aurora'
  const isOfDynamo = whose?.owner === 'dynamo' || (item === undefined && !isOfAurora)
  if (isOfAurora && !isOfDynamo) return aurora.title === world.last ? undefined : `lost at Aurora: ${told}`
  // In a half claim neither side owns: the larger version of the two is what was acknowledged last.
  if (!isOfAurora && !isOfDynamo) {
    if (!world.counts && [aurora, dynamo].some(({ title }) => title === world.last)) return undefined
    const later = aurora.version >= dynamo.version ? aurora : dynamo
    return later.title === world.last ? undefined : `lost in a half claim: ${told}`
  }
  if (isOfAurora) return undefined
  if (dynamo.title !== world.last) return `lost at DynamoDB: ${told}`
  if (aurora.title !== world.last) return `the sides differ: ${told}`
  return undefined
}
