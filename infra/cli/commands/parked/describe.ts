import type { ParkedHead } from '../../../../functions/bridge/ports/parking.ts'
import type { WaitsFor } from '../../../../functions/bridge/ports/sink.ts'

/** `chef 17, any recipe` */
export const describeWaits = (waitsFor: readonly WaitsFor[] | undefined): string =>
  (waitsFor ?? [])
    .map(({ entity, key }) => (key === undefined ? `any ${entity}` : `${entity} ${key}`))
    .join(', ')

export const describeVersion = ({ version }: Pick<ParkedHead, 'version'>): string =>
  version === undefined ? '?' : String(version)

/** The oldest first: it has waited longest. */
export const byAge = (heads: Iterable<ParkedHead>): ParkedHead[] =>
  [...heads].sort((a, b) => (a.firstSeen < b.firstSeen ? -1 : a.firstSeen > b.firstSeen ? 1 : 0))
