import type { Mirror } from '../../../functions/bridge/sync/mirror.ts'
import type { Context } from '../conventions/command.ts'

/**
 * What a command needs to apply changes as the stream functions do; opened at the first call for each kind.
 *
 * @returns of an entity: to Aurora. Of a kept table: to DynamoDB
 */
export const openPartsOf = (
  context: Pick<Context, 'target' | 'io' | 'debug'>,
): ((kind: 'entity' | 'table') => Promise<Mirror>) => {
  const opened = new Map<string, Promise<Mirror>>()
  return (kind) => {
    const known = opened.get(kind)
    if (known !== undefined) return known
    const parts =
      kind === 'entity'
        ? import('./open-write-back.ts').then(({ openWriteBack }) => openWriteBack(context))
        : import('./open-table-sync.ts').then(({ openTableSync }) => openTableSync(context))
    opened.set(kind, parts)
    return parts
  }
}
