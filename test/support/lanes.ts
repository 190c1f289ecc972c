import { globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { hasCode } from '../../infra/local/processes/identity.ts'

/** Test files by the servers that they need: `unit` none, `dynamodb` that one only, `mysql` MySQL, and maybe both. */
export type Lanes = Readonly<Record<Lane, readonly string[]>>
export type Lane = 'unit' | 'dynamodb' | 'mysql'

type Needs = { readonly lane: Lane; readonly variable: RegExp; readonly starters: readonly string[] }

/** By its name at `process.env`, or taken out of it. */
const reads = (name: string): RegExp =>
  new RegExp(`\\benv\\.${name}\\b|\\b${name}\\b[^\\n]*\\} = process\\.env\\b`)

/** The larger need first: what modules of the tests say that use the run's server, and what starts one. */
const NEEDS: readonly Needs[] = [
  { lane: 'mysql', variable: reads('TEST_MYSQL_URL'), starters: ['infra/local/mysql/server.ts'] },
  {
    lane: 'dynamodb',
    variable: reads('TEST_DYNAMODB_ENDPOINT'),
    starters: ['infra/local/dynamodb/server.ts', 'test/support/dynamodb-local.ts'],
  },
]
/** `import … from`, `export … from`, `import '…'` and `import('…')`; and programs: by a URL, or by a path from the root. */
const MENTIONS = [
  /^(?:import|export)\s(?!type\s)[^'"]*?from\s*'(?<near>\.[^']+)'/gm,
  /^import\s*'(?<near>\.[^']+)'/gm,
  /\bimport\(\s*'(?<near>\.[^']+)'/g,
  /\bnew URL\(\s*'(?<near>[^']+\.(?:ts|mjs))',\s*import\.meta\.url/g,
  /\b(?:resolve|join)\(\s*(?:\w+,\s*)?'(?<far>(?:infra|functions|test)\/[^'\s]+\.(?:ts|mjs))'/g,
]

/** What only modules say whose use makes a test another one with each seed. A value drawn from a seed of its own is none. */
const RANDOM = [
  /^(?:import|}) [^\n]*'@fast-check\/jest'$/m,
  /\bfc\s*\.(?:assert|check)\(/,
  /^import \{[^}]*\b(?:runs|times)\b[^}]*\} from '[^']*\/runs\.ts'$/m,
]
/** What a test says that does more in a proof than in `npm test`. */
const LONGER = /^import \{[^}]*\bisProving\b[^}]*\} from '[^']*\/runs\.ts'$/m

/** What a test reaches: itself, what it imports or runs, and what that does in turn. Types don't count. */
type Reach = (test: string) => Iterable<string>

/**
 * Tells tests by what they import. A list kept by hand would be wrong after the next change of a fixture.
 *
 * @param root the repository
 * @returns absolute paths
 * @throws Error when a module that starts servers isn't where it is looked for
 */
export const readLanes = (root: string): Lanes => {
  const texts = new Map<string, string>()
  const reach = reachIn(root, texts)
  const needs = NEEDS.map((need) => ({
    ...need,
    starters: new Set(need.starters.map((file) => resolve(root, file))),
  }))
  for (const { starters } of needs) for (const file of starters) readFileSync(file)
  const tests = resolve(root, 'test') + sep
  const laneOf = (test: string): Lane => {
    const files = [...reach(test)]
    const met = needs.find(({ variable, starters }) =>
      files.some(
        (file) => starters.has(file) || (file.startsWith(tests) && variable.test(texts.get(file) ?? '')),
      ),
    )
    return met?.lane ?? 'unit'
  }
  return { unit: [], dynamodb: [], mysql: [], ...Object.groupBy(testsIn(root), laneOf) }
}

/** What runs the whole local stack. */
const STACKS: readonly string[] = ['infra/local/main.ts', 'infra/local/start.mjs', 'infra/local/stack.ts']
/** Those of them that show all that a stack does with its MySQL. */
const SHOWN_ON_BOTH: readonly string[] = ['test/e2e/mirror.test.ts', 'test/e2e/stack.test.ts']

/**
 * Tests to play on one engine only: they are about a whole stack's life, the command line's way to it, or functions in it, which
 * know a server by what it answers; each statement has a test of its own, and two whole stacks run on both.
 *
 * @param root the repository
 * @returns absolute paths
 * @throws Error when what runs a stack, or a test that is to run on both, isn't where it is looked for
 */
export const readOneEngine = (root: string): readonly string[] => {
  const reach = reachIn(root, new Map())
  const stacks = new Set(STACKS.map((file) => resolve(root, file)))
  const both = new Set(SHOWN_ON_BOTH.map((file) => resolve(root, file)))
  for (const file of [...stacks, ...both]) readFileSync(file)
  return testsIn(root).filter((test) => !both.has(test) && [...reach(test)].some((file) => stacks.has(file)))
}

/** What `npm run prove` plays, as absolute paths. */
export type Proofs = {
  /** With something random in them: anew from each seed. */
  readonly random: readonly string[]
  /** Long, or longer in a proof, and the same from each seed: once. */
  readonly once: readonly string[]
}

/** @param root the repository */
export const readProofs = (root: string): Proofs => {
  const texts = new Map<string, string>()
  const reach = reachIn(root, texts)
  const isRandom = (file: string): boolean => RANDOM.some((pattern) => pattern.test(texts.get(file) ?? ''))
  const [random, once]: [string[], string[]] = [[], []]
  for (const test of testsIn(root)) {
    if ([...reach(test)].some(isRandom)) random.push(test)
    else if (test.endsWith('.long.test.ts') || LONGER.test(texts.get(test) ?? '')) once.push(test)
  }
  return { random, once }
}

const testsIn = (root: string): string[] =>
  globSync('test/**/*.test.ts', { cwd: root })
    .map((file) => join(root, file))
    .toSorted()

/** @param texts filled with what was read */
const reachIn = (root: string, texts: Map<string, string>): Reach => {
  const mentioned = new Map<string, readonly string[]>()
  const read = (file: string): readonly string[] => {
    const text = readOrNothing(file)
    texts.set(file, text)
    return MENTIONS.flatMap((pattern) =>
      Array.from(text.matchAll(pattern), ({ groups = {} }) =>
        groups.far === undefined ? resolve(dirname(file), groups.near ?? '.') : resolve(root, groups.far),
      ),
    )
  }
  return (test) => {
    const reached = new Set([test])
    for (const file of reached) {
      const next = mentioned.get(file) ?? read(file)
      mentioned.set(file, next)
      for (const path of next) reached.add(path)
    }
    return reached
  }
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
