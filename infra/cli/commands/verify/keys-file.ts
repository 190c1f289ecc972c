import { readFile } from 'node:fs/promises'
import { isRowKey } from '../../../../functions/bridge/dynamo/item-head.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT } from '../../conventions/exit-codes.ts'

/** The keys in a file, one a line, each once. @throws CliError with exit code 2 for a file that can't be read, or a line that is no key */
export const readKeysFile = async (file: string, entity: Entity): Promise<readonly string[]> => {
  const fail = (message: string, cause?: unknown): never => {
    throw new CliError({ code: 'keys.file', message, exit: EXIT.usage }, { cause })
  }
  const text = await readFile(file, 'utf8').catch((cause: unknown) => fail(`${file} can't be read`, cause))
  const lines = text.split(/\r?\n/).filter((line) => line !== '')
  const wrong = lines.findIndex((line) => !isRowKey(entity, line))
  if (wrong >= 0) fail(`${file}: line ${wrong + 1} is no key of a ${entity.name}`)
  return [...new Set(lines)]
}
