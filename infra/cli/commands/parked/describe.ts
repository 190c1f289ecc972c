import type { ParkedHead } from '../../../../functions/bridge/ports/parking.ts'
import type { WaitsFor } from '../../../../functions/bridge/ports/sink.ts'

/** `chef 17, any recipe` */
export const describeWaits = (waitsFor: readonly WaitsFor[] | undefined): string =>
  (waitsFor ?? [])
    .map(({ entity, key }) => (key === undefined ? `any ${entity}` : `${entity} ${key}`))
    .join(', ')

export const describeVersion = ({ version }: Pick<ParkedHead, 'version'>): string =>
  version === undefined ? '?' : String(version)

/** The payload is JSON, unless it came from somebody else: then it is shown as it is. */
export const parsedPayload = (payload: string): unknown => {
  try {
    return JSON.parse(payload)
  } catch (error) {
    if (error instanceof SyntaxError) return payload
    throw error
  }
}
