import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'

/** The folder of a cloud assembly that has the bundles' source maps. */
export const SOURCE_MAPS = 'source-maps'

/**
 * Takes the source map of a bundle out of its package, which it would triple, into a folder beside the packages. It is
 * found there by the SHA-256 of the bundle: what the package is called in the end, nobody knows yet. Its sources are
 * relative, and stay right: one folder of the assembly is as deep as the other.
 *
 * @param outputFolder the package in the making, a folder of the assembly, with `index.mjs` and `index.mjs.map` in it
 */
export function setSourceMapAside(outputFolder: string): void {
  const bundle = join(outputFolder, 'index.mjs')
  const hash = createHash('sha256').update(readFileSync(bundle)).digest('hex')
  const folder = join(outputFolder, '..', SOURCE_MAPS)
  mkdirSync(folder, { recursive: true })
  renameSync(`${bundle}.map`, join(folder, `${hash}.map`))
}
