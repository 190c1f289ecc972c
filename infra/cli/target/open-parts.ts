import type { Mirror } from '../../../functions/bridge/sync/mirror.ts'
import type { Context } from '../conventions/command.ts'

/**
 * What a command needs to apply changes as the stream functions do; opened at the first call for each kind.
 *
 * @returns of an entity: to Aurora. Of its mirror, or of a kept table: to DynamoDB
 */
export const openPartsOf = (
  context: Pick<Context, 'target' | 'io' | 'debug'>,
): ((kind: 'entity' | 'mirror' | 'table') => Promise<Mirror>) => {
  const opened = new Map<string, Promise<Mirror>>()
  return (kind) => {
    const known = opened.get(kind)
    if (known !== undefined) return known
    const parts = openParts(kind, context)
    opened.set(kind, parts)
    return parts
  }
}

const openParts = async (
  kind: 'entity' | 'mirror' | 'table',
  context: Pick<Context, 'target' | 'io' | 'debug'>,
): Promise<Mirror> => {
  if (kind === 'entity') return (await import('./open-write-back.ts')).openWriteBack(context)
  if (kind === 'mirror') return (await import('./open-outward.ts')).openOutward(context)
  return (await import('./open-table-sync.ts')).openTableSync(context)
}
