import { realpathSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Plugin } from 'esbuild'
import { exactly } from './exactly.ts'

/** A module of a package that the functions carry but never use; of JSON, all but its version is left out. */
export type LeftOutModule = {
  /** Below node_modules, such as `kysely/dist/schema/schema-module.js`. */
  readonly path: string
  /** Exports that are called while modules load: they answer a function, and that one must never be called. */
  readonly called?: readonly string[]
}

/** A module that is not where it was when it was left out: the package has changed, and the list has to follow. */
export class LeftOutModuleError extends Error {
  override readonly name = 'LeftOutModuleError'
  readonly code = 'bundle.left-out'
}

/**
 * Bundles each of the modules as its names only. Whoever uses one gets an error that says where it was left out,
 * never a silent nothing. Paths inside a package are beyond esbuild's aliases, hence a plugin.
 *
 * @throws LeftOutModuleError through esbuild, when a module exports nothing or its package is used without it
 */
export const leaveOut = (repository: string, modules: readonly LeftOutModule[]): Plugin => ({
  name: 'leave-out',
  setup(build) {
    const seen = new Set<LeftOutModule>()
    // Where esbuild finds them, also when the folder is a link to another checkout's.
    const packages = realpathSync(join(repository, 'node_modules'))
    for (const module of modules) {
      const file = join(packages, ...module.path.split('/'))
      build.onLoad({ filter: exactly(file) }, async () => {
        seen.add(module)
        const source = await readFile(file, 'utf8')
        return file.endsWith('.json')
          ? { contents: versionOnly(source), loader: 'json' }
          : { contents: namesOnly(module, source), loader: 'js' }
      })
    }
    build.onEnd(({ metafile }) => {
      const inputs = Object.keys(metafile?.inputs ?? {})
      const missing = modules.filter(
        (module) => !seen.has(module) && inputs.some((input) => input.includes(packageFolder(module))),
      )
      if (missing.length === 0) return {}
      const names = missing.map(({ path }) => path).join(', ')
      return { errors: [{ text: `no such module to leave out: ${names}` }] }
    })
  },
})

/** A scoped package's name has two parts. */
const packageFolder = ({ path }: LeftOutModule): string =>
  `node_modules/${path
    .split('/')
    .slice(0, path.startsWith('@') ? 2 : 1)
    .join('/')}/`

const versionOnly = (source: string): string => {
  const manifest: { readonly version?: unknown } = JSON.parse(source)
  return JSON.stringify({ version: manifest.version })
}

const namesOnly = ({ path, called = [] }: LeftOutModule, source: string): string => {
  const names = Array.from(source.matchAll(/^\s*export (?:const|class|function) (\w+)/gm), ([, name]) => name)
  if (names.length === 0) throw new LeftOutModuleError(`${path} exports nothing that is known`)
  const message = `${path} is left out of the bundles of the functions: see infra/constructs/bundled-code.ts`
  return [
    `const leftOut = function () { throw new Error(${JSON.stringify(message)}) }`,
    'const later = () => leftOut',
    `export { ${names.map((name) => `${called.includes(name ?? '') ? 'later' : 'leftOut'} as ${name}`).join(', ')} }`,
  ].join('\n')
}
