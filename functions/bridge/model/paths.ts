/** Where clients find an entity on both sides: the path of its collection, an item's is one segment more. */
export type Paths = {
  /** @default '/aurora/{plural}' */
  readonly legacy: string
  /** @default '/dynamo/{plural}' */
  readonly modern: string
  /** Where each key is served at its owner. @default '/{plural}', where that is nobody's path */
  readonly facade?: string
}

/** What is needed to know an entity's paths. */
type Reachable = { readonly name: string; readonly plural: string; readonly paths?: Partial<Paths> }

/** The first segments of paths that nobody has chosen, by whose they are. */
const SIDES = { aurora: 'legacy', dynamo: 'modern' } as const

const isSide = (base: string): base is keyof typeof SIDES => Object.hasOwn(SIDES, base)

/**
 * The path of an entity's collection at a side.
 *
 * @param base `aurora` or `dynamo`
 */
export const pathOf = ({ plural, paths = {} }: Omit<Reachable, 'name'>, base: string): string =>
  (isSide(base) ? paths[SIDES[base]] : undefined) ?? `/${base}/${plural}`

type Path = { readonly side: keyof Paths; readonly path: string }

/** Both paths of an entity, and the one of its facade where that was chosen; and whose side each is. */
const pathsOf = (entity: Reachable): readonly Path[] => [
  { side: 'legacy', path: pathOf(entity, 'aurora') },
  { side: 'modern', path: pathOf(entity, 'dynamo') },
  ...(entity.paths?.facade === undefined ? [] : [{ side: 'facade', path: entity.paths.facade } as const]),
]

const clash = (one: string, other: string): boolean =>
  `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`)

/**
 * The paths of entities' facades, by the entities' names. An entity whose plural is, or is in the way of, some path that was
 * chosen has none until it chooses one itself: what clients have there stays theirs.
 */
export const facadePaths = (entities: readonly Reachable[]): ReadonlyMap<string, string> => {
  const taken = entities.flatMap(pathsOf).map(({ path }) => path)
  return new Map(
    entities.flatMap(({ name, plural, paths }): [string, string][] => {
      if (paths?.facade !== undefined) return [[name, paths.facade]]
      const path = `/${plural}`
      return taken.some((other) => clash(path, other)) ? [] : [[name, path]]
    }),
  )
}

/** Characters that no client escapes, and no gateway reads as anything else. */
const PATH = /^(?:\/[A-Za-z0-9._~-]+)+$/

/**
 * Says whether an entity's paths can be routes.
 *
 * @throws TypeError naming one that can't
 */
export const requirePaths = (entity: Omit<Reachable, 'name'>): void => {
  const named = pathsOf({ ...entity, name: '' })
  for (const { side, path } of named) {
    const segments = path.slice(1).split('/')
    if (!PATH.test(path) || segments.some((segment) => /^\.{1,2}$/.test(segment)))
      throw new TypeError(
        `"${path}" can't be a path: it is /segments of letters, digits, ".", "_", "~" and "-"`,
      )
    const [first = '', ...rest] = segments
    if (!isSide(first)) continue
    if (rest.length === 0)
      throw new TypeError(`"${path}" is taken: it has the state of the bridge, or all of a side`)
    if (SIDES[first] !== side) throw new TypeError(`"${path}" is of the other side, and can't be ${side}`)
  }
}

/**
 * Says whether every path leads to one entity on one side. Below the path of one are its items: another one's path there
 * would hide the item of that key.
 *
 * @throws TypeError naming two paths that clash
 */
export const requireOwnPaths = (entities: readonly Reachable[]): void => {
  const all = entities.flatMap((entity) => pathsOf(entity).map((one) => ({ ...one, name: entity.name })))
  for (const [at, one] of all.entries())
    for (const other of all.slice(at + 1))
      if (clash(one.path, other.path))
        throw new TypeError(
          `The ${one.side} path ${one.path} of ${one.name} and the ${other.side} path ${other.path} of ${other.name} can't both be: they are the same, or one is below the other`,
        )
}
