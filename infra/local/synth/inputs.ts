import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf } from '../../errors/thrown.ts'

/** What a synthesis is made of, relative to the checkout. The local runtime is below `infra` but not part of it. */
const INPUTS = [
  'infra',
  'functions',
  'sql',
  'package-lock.json',
  'cdk.json',
  'cdk.context.json',
  'tsconfig.json',
]
const EXCLUDED = [join('infra', 'local'), join('infra', 'cli')]

/**
 * A hash over the content of everything that a synthesis reads, the context and the version of Node.
 *
 * @param app the CDK app, whose folder it reads too
 */
export const hashInputs = async (
  repository: string,
  app: string,
  context: Readonly<Record<string, string>>,
): Promise<string> => {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([process.version, app, Object.entries(context).sort()]))
  for (const input of new Set([...INPUTS, dirname(app)])) {
    for (const file of await filesBelow(repository, input)) {
      hash.update(`\0${file}\0`)
      hash.update(await readFile(join(repository, file)))
    }
  }
  return hash.digest('hex')
}

/** Sorted paths; a file is itself; nothing for what is not there. */
const filesBelow = async (repository: string, path: string): Promise<string[]> => {
  if (EXCLUDED.includes(path)) return []
  try {
    const entries = await readdir(join(repository, path), { withFileTypes: true })
    const nested = await Promise.all(entries.map((entry) => filesBelow(repository, join(path, entry.name))))
    return nested.flat().sort()
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') return [path]
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}
