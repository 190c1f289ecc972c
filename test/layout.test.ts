import { describe, expect, it } from '@jest/globals'
import { type Module, parseModule, readModules } from './support/modules.ts'

const BRIDGE = 'functions/bridge/'

/** The rooms of `functions/bridge`, floor by floor: a room imports from lower floors and from itself, nothing else. */
const FLOORS: readonly (readonly string[])[] = [
  ['model'],
  ['ports', 'runtime'],
  ['http', 'drivers'],
  ['normalise'],
  ['aurora', 'dynamo', 'guard', 'jobs', 'migrations', 'parking', 'routes'],
  ['api', 'legacy-function', 'sync', 'verify'],
  ['backfill', 'compare', 'copy', 'cutover', 'mirror', 'status', 'tables', 'undelivered'],
]

/** Whole folders, and what of the repository they may import beside their own files. */
const WALLS: Readonly<Record<string, readonly string[]>> = {
  'functions/bridge/': [],
  'functions/entities/': ['functions/bridge/model/', 'functions/sample/'],
  'functions/sample/': ['functions/bridge/'],
  'functions/legacy/': ['functions/bridge/', 'functions/entities/'],
  'functions/modern/': ['functions/bridge/', 'functions/entities/'],
  'functions/cutover/': ['functions/bridge/', 'functions/entities/'],
  'functions/operations/': ['functions/bridge/', 'functions/entities/', 'functions/tables/'],
  'infra/local/': ['infra/errors/', 'infra/install/'],
}

const roomOf = (path: string): string | undefined =>
  path.startsWith(BRIDGE) ? path.slice(BRIDGE.length).split('/')[0] : undefined
const floorOf = (room: string): number => FLOORS.findIndex((rooms) => rooms.includes(room))

type Arrow = { readonly from: string; readonly to: string }
const arrowsOf = (modules: readonly Module[]): readonly Arrow[] =>
  modules.flatMap(({ path, imports }) => imports.map((one) => ({ from: path, to: one.path })))

/** Imports of the bridge that lead to another room of the same floor or to a higher one. */
const upward = (modules: readonly Module[]): readonly Arrow[] =>
  arrowsOf(modules).filter(({ from, to }) => {
    const [here, there] = [roomOf(from), roomOf(to)]
    if (here === undefined || there === undefined || here === there) return false
    return floorOf(there) < 0 || floorOf(there) >= floorOf(here)
  })

/** The first circle of imports; undefined when there is none. */
const circle = (modules: readonly Module[]): readonly string[] | undefined => {
  const next = new Map(modules.map(({ path, imports }) => [path, imports.map((one) => one.path)]))
  const done = new Set<string>()
  const walk = (path: string, way: readonly string[]): readonly string[] | undefined => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path]
    if (done.has(path)) return undefined
    for (const to of next.get(path) ?? []) {
      const found = walk(to, [...way, path])
      if (found !== undefined) return found
    }
    done.add(path)
    return undefined
  }
  for (const { path } of modules) {
    const found = walk(path, [])
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * Exports that are there for nothing: the product takes them nowhere, their own module included, or, of values, neither
 * it nor a test does. A type may be part of what its module says of another export, and an error of what it throws.
 */
const unused = (product: readonly Module[], tests: readonly Module[] = []): readonly string[] => {
  const takes = (modules: readonly Module[]): ReadonlySet<string> =>
    new Set(
      modules.flatMap(({ imports }) =>
        imports.flatMap(({ path, names }) => names.map((name) => `${path}: ${name}`)),
      ),
    )
  const [byProduct, byTests] = [takes(product), takes(tests)]
  return product.flatMap(({ path, exports }) =>
    exports
      .filter(({ name, kind, usedWithin }) => {
        const taken = (by: ReadonlySet<string>): boolean => by.has(`${path}: ${name}`) || by.has(`${path}: *`)
        if (taken(byProduct)) return false
        return !usedWithin || (kind === 'value' && !taken(byTests))
      })
      .map(({ name }) => `${path}: ${name}`),
  )
}

/** Names that more than one module exports. */
const repeated = (modules: readonly Module[]): readonly string[] => {
  const places = new Map<string, string[]>()
  for (const { path, exports } of modules)
    for (const { name } of exports) places.set(name, [...(places.get(name) ?? []), path])
  return [...places]
    .filter(([, paths]) => paths.length > 1)
    .map(([name, paths]) => `${name}: ${paths.join(', ')}`)
}

const modules = readModules('functions', 'infra')
const bridge = modules.filter(({ path }) => path.startsWith(BRIDGE))

describe('the rooms of the bridge', () => {
  it('are on seven floors, and all are known', () => {
    expect(FLOORS.length).toBeLessThanOrEqual(7)
    expect([...new Set(bridge.map(({ path }) => roomOf(path)))].sort()).toEqual(FLOORS.flat().sort())
  })

  it('import downwards only', () => {
    expect(upward(bridge)).toEqual([])
  })

  it('export each name once', () => {
    expect(repeated(bridge)).toEqual([])
  })
})

describe('the repository', () => {
  it('has no circle of imports', () => {
    expect(circle(modules)).toBeUndefined()
  })

  it.each(Object.entries(WALLS))('lets %s import nothing of it but what is said', (folder, allowed) => {
    const strangers = arrowsOf(modules).filter(
      ({ from, to }) =>
        from.startsWith(folder) && ![folder, ...allowed].some((place) => to.startsWith(place)),
    )

    expect(strangers).toEqual([])
  })

  it('exports nothing that nobody needs', () => {
    const entries = [
      // What AWS calls, and what stands in for modules of the SDK.
      /^functions\/(legacy|modern|cutover|operations|sample)\/.*: handler$/,
      /^infra\/constructs\/bundle\//,
      // What a team calls in its definitions and in handlers of its own, whether or not the sample is there to do so.
      /^functions\/bridge\/(model\/attributes|http)\//,
      /: (childRows|autoIncrement|natural|uuidKey|defineEntity|defineTable|replicate|reshape|legacyFunction)$/,
      /\/(legacy-(events|meaning)|changes-in)\.ts: /,
      // What production doesn't reach yet.
      /\/drivers\/direct\/open\.ts: /,
    ]
    const needless = unused(modules, readModules('test'))

    expect(needless.filter((one) => !entries.some((entry) => entry.test(one)))).toEqual([])
  })
})

describe('the test of the layout', () => {
  const model = parseModule(
    'functions/bridge/model/a.ts',
    "import { x } from '../sync/b.ts'\nexport const a = 1\n",
  )
  const sync = parseModule(
    'functions/bridge/sync/b.ts',
    "import type { a } from '../model/a.ts'\nexport const x = 1\n",
  )

  it('sees an import that runs upwards, into a sister room, or into a room that it does not know', () => {
    expect(upward([model, sync])).toEqual([
      { from: 'functions/bridge/model/a.ts', to: 'functions/bridge/sync/b.ts' },
    ])
    expect(
      upward([parseModule('functions/bridge/aurora/a.ts', "export { b } from '../dynamo/b.ts'\n")]),
    ).toHaveLength(1)
    expect(
      upward([parseModule('functions/bridge/aurora/a.ts', "const b = import('../attic/b.ts')\n")]),
    ).toHaveLength(1)
  })

  it('sees a circle, also one of types', () => {
    expect(circle([model, sync])).toEqual([model.path, sync.path, model.path])
  })

  it('sees an export that nobody takes, and a name that two export', () => {
    const lonely = parseModule(
      'm/c.ts',
      'export class a {}\nexport type T = 1\nexport const b = (t: T) => t\n',
    )
    const its = parseModule('m/c.test.ts', "import { a, b } from './c.ts'\n")

    expect(unused([model, sync, lonely])).toEqual(['m/c.ts: a', 'm/c.ts: b'])
    expect(unused([lonely], [its])).toEqual(['m/c.ts: a', 'm/c.ts: b'])
    expect(unused([lonely, its])).toEqual([])
    expect(repeated([model, lonely])).toEqual([`a: ${model.path}, ${lonely.path}`])
  })

  it('reads what an import takes', () => {
    const { imports } = parseModule(
      'a/b.ts',
      "import first, { type A as B, c } from './c.ts'\nimport * as all from '../d.ts'\nimport './e.ts'\nexport {\n  f,\n} from './f.ts'\n",
    )

    expect(imports).toEqual([
      { path: 'a/c.ts', names: ['default', 'A', 'c'] },
      { path: 'd.ts', names: ['*'] },
      { path: 'a/f.ts', names: ['f'] },
      { path: 'a/e.ts', names: [] },
    ])
  })
})
