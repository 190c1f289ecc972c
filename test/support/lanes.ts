import { globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { hasCode } from '../../infra/local/processes/identity.ts'

/** Test files by the servers that they need: `unit` none, `dynamodb` that one only, `mysql` MySQL, and maybe both. */
export type Lanes = Readonly<Record<Lane, readonly string[]>>
export type Lane = 'unit' | 'dynamodb' | 'mysql'

type Needs = { readonly lane: Lane; readonly variable: RegExp; readonly starters: readonly string[] }

/** The larger need first: what modules of the tests say that use the run's server, and what starts one. */
const NEEDS: readonly Needs[] = [
  { lane: 'mysql', variable: /\bTEST_MYSQL_URL\b/, starters: ['infra/local/mysql/server.ts'] },
  {
    lane: 'dynamodb',
    variable: /\bTEST_DYNAMODB_ENDPOINT\b/,
    starters: ['infra/local/dynamodb/server.ts', 'test/support/dynamodb-local.ts'],
  },
]
/** `import … from`, `export … from`, `import '…'` and `import('…')`; and programs: by a URL, or by a path from the root. */
const MENTIONS = [
  /^(?:import|export)\s(?!type\s)[^'"]*?from\s*'(?<near>\.[^']+)'/gm,
  /^import\s*'(?<near>\.[^']+)'/gm,
  /\bimport\(\s*'(?<near>\.[^']+)'/g,
  /\bnew URL\(\s*'(?<near>[^']+\.(?:ts|mjs))',\s*import\.meta\.url/g,
  /\bresolve\(\s*'(?<far>(?:infra|functions|test)\/[^'\s]+\.(?:ts|mjs))'/g,
]

type Module = { readonly lanes: readonly Lane[]; readonly mentions: readonly string[] }

/**
 * Tells tests by what they import, and what that imports in turn; types don't count. A list kept by hand would be wrong
 * after the next change of a fixture.
 *
 * @param root the repository
 * @returns absolute paths
 * @throws Error when a module that starts servers isn't where it is looked for
 */
export const readLanes = (root: string): Lanes => {
  const needs = NEEDS.map((need) => ({
    ...need,
    starters: new Set(need.starters.map((file) => resolve(root, file))),
  }))
  for (const { starters } of needs) for (const file of starters) readFileSync(file)
  const tests = resolve(root, 'test') + sep
  const modules = new Map<string, Module>()
  const read = (file: string): Module => {
    const text = readOrNothing(file)
    const mentions = MENTIONS.flatMap((pattern) =>
      Array.from(text.matchAll(pattern), ({ groups = {} }) =>
        groups.far === undefined ? resolve(dirname(file), groups.near ?? '.') : resolve(root, groups.far),
      ),
    )
    const met = needs.filter(
      ({ variable, starters }) => starters.has(file) || (file.startsWith(tests) && variable.test(text)),
    )
    return { lanes: met.map(({ lane }) => lane), mentions }
  }
  const laneOf = (test: string): Lane => {
    const met = new Set<Lane>()
    const reached = new Set([test])
    for (const file of reached) {
      const module = modules.get(file) ?? read(file)
      modules.set(file, module)
      for (const lane of module.lanes) met.add(lane)
      for (const next of module.mentions) reached.add(next)
    }
    return needs.find(({ lane }) => met.has(lane))?.lane ?? 'unit'
  }
  const all = globSync('test/**/*.test.ts', { cwd: root }).map((file) => join(root, file))
  return { unit: [], dynamodb: [], mysql: [], ...Object.groupBy(all.toSorted(), laneOf) }
}

const readOrNothing = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    // Named where no module is: in a test's own text, or made at run time.
    if (hasCode(error, 'ENOENT') || hasCode(error, 'EISDIR')) return ''
    throw error
  }
}
