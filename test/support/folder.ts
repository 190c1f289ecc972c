import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A temporary folder, without symbolic links in its path; removed by `remove`. */
export type TemporaryFolder = { readonly path: string; remove(): Promise<void> }

export const makeFolder = async (): Promise<TemporaryFolder> => {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'backsync-folder-')))
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) }
}
