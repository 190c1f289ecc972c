import type { Undelivered, UndeliveredHead } from '../../../../functions/bridge/undelivered/undelivered.ts'
import { CliError } from '../../conventions/errors.ts'

/**
 * The batches of these ids, or object keys; the oldest first.
 *
 * @param wanted none: all
 * @throws CliError for one that is not undelivered
 */
export const choose = async (
  undelivered: Undelivered,
  wanted: readonly string[],
): Promise<readonly UndeliveredHead[]> => {
  const heads = await undelivered.heads()
  if (wanted.length === 0) return heads
  for (const one of wanted)
    if (!heads.some(({ id, key }) => id === one || key === one))
      throw new CliError({
        code: 'undelivered.unknown',
        message: `${one} is not undelivered`,
        hint: 'nothing was done; see backsync undelivered list',
      })
  return heads.filter(({ id, key }) => wanted.includes(id) || wanted.includes(key))
}
