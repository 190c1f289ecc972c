import { createHash } from 'node:crypto'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { registerHooks, setSourceMapsSupport } from 'node:module'
import { dirname, join, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Has the stacks of a bundle, and a debugger, speak of the files that it was made of. The file itself says nothing of
 * its map, as it is deployed; that is added in memory, behind its last line, when it is loaded.
 *
 * @param bundle the file; load it after this
 * @param folder maps, each by the SHA-256 of its bundle; where it has none, stacks stay as they are
 */
export const mapSources = (bundle: string, folder: string): void => {
  const content = readFileSync(bundle)
  const map = join(folder, `${createHash('sha256').update(content).digest('hex')}.map`)
  if (!existsSync(map)) return
  setSourceMapsSupport(true, { nodeModules: true })
  const file = realpathSync(bundle)
  const url = pathToFileURL(file).href
  // Node takes a file's URL for one of an unknown kind, but follows a path from the bundle to its map.
  const path = relative(dirname(file), realpathSync(map)).split(sep).map(encodeURIComponent).join('/')
  registerHooks({
    load(loading, context, next) {
      const loaded = next(loading, context)
      return loading === url
        ? { ...loaded, source: `${content.toString('utf8')}\n//# sourceMappingURL=${path}\n` }
        : loaded
    },
  })
}
