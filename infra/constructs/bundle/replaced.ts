import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Plugin } from 'esbuild'
import { exactly } from './exactly.ts'

/**
 * Bundles other modules in the place of some, so that the same handlers serve other lists. Unlike an alias of
 * esbuild's, it goes by the file, however it is imported.
 *
 * @param replace what stands for what, both by their paths below the repository
 */
export const replaceModules = (repository: string, replace: Readonly<Record<string, string>>): Plugin => ({
  name: 'replace-modules',
  setup(build) {
    for (const [replaced, by] of Object.entries(replace)) {
      const file = join(repository, by)
      // What is CommonJS, or says which it is, has to be found by its own name.
      const own = file.endsWith('.ts') ? undefined : `export * from ${JSON.stringify(file)}`
      build.onLoad({ filter: exactly(join(repository, replaced)) }, async () => ({
        contents: own ?? (await readFile(file, 'utf8')),
        loader: 'ts',
        resolveDir: dirname(file),
        watchFiles: [file],
      }))
    }
  },
})
