import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'

/** One TypeScript file of the repository, with what it takes from others of it and gives to them. */
export type Module = {
  /** Its path from the repository's root, with `/`. */
  readonly path: string
  readonly imports: readonly Import[]
  /** The names that it exports itself. */
  readonly exports: readonly Export[]
}

export type Export = {
  readonly name: string
  readonly kind: 'value' | 'type' | 'error'
  /** Whether the module itself uses it, beside saying what it is. */
  readonly usedWithin: boolean
}

/** What a module takes of another one of the repository. */
export type Import = {
  readonly path: string
  /** The names as the other one exports them; `*` for all of it. */
  readonly names: readonly string[]
}

const root = join(import.meta.dirname, '..', '..')

/** `import … from`, `export … from`, `import('…')`: the text between, and the path. */
const FROM = /^(?:import|export)\s+(?:type\s+)?([^'"()]*?)\s*from\s*['"](\.[^'"]+)['"]/gm
const BARE = /^import\s*['"](\.[^'"]+)['"]|\bimport\(\s*['"](\.[^'"]+)['"]\s*\)/gm
const EXPORT =
  /^export\s+(?:abstract\s+)?(?:async\s+)?(const|let|function\*?|class|type|interface)\s+([A-Za-z_$][\w$]*)/gm
const DEFAULT = /^export\s+default\b/m

/** Reads all modules below some folders of the repository. */
export const readModules = (...folders: readonly string[]): readonly Module[] =>
  folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
      .filter((path) => /\.(ts|mjs)$/.test(path))
      .sort()
      .map((path) => parseModule(path, readFileSync(join(root, path), 'utf8'))),
  )

/** @param text the module's source, as the formatter leaves it: each import and export begins a line */
export const parseModule = (path: string, text: string): Module => {
  const to = (way: string): string => posix.join(dirname(path), way)
  const named = [...text.matchAll(FROM)].map(([, names = '', way = '']) => ({
    path: to(way),
    names: namesOf(names),
  }))
  const whole = [...text.matchAll(BARE)].map(([, plain, dynamic]) => ({
    path: to(plain ?? dynamic ?? ''),
    names: dynamic === undefined ? [] : ['*'],
  }))
  const exports = [...text.matchAll(EXPORT)].map(([, keyword = '', name = '']): Export => {
    const mentions = text.match(new RegExp(`(?<![\\w$.])${name.replaceAll('$', '\\$')}(?![\\w$])`, 'g')) ?? []
    const type = keyword === 'type' || keyword === 'interface'
    const kind = type ? 'type' : name.endsWith('Error') ? 'error' : 'value'
    return { name, kind, usedWithin: mentions.length > 1 }
  })
  if (DEFAULT.test(text)) exports.push({ name: 'default', kind: 'value', usedWithin: false })
  return { path, imports: [...named, ...whole], exports }
}

/** `a, type B as C` are `a` and `B`; `* as all` is `*`; a name outside braces is the default export. */
const namesOf = (clause: string): readonly string[] => {
  const [, before = clause, braces = ''] = /^([^{]*)(?:\{([^}]*)\})?$/s.exec(clause) ?? []
  const inBraces = braces
    .split(',')
    .map((part) => part.trim().replace(/^type\s+/, ''))
    .filter((part) => part !== '')
    .map((part) => part.split(/\s+as\s+/)[0] ?? part)
  const outside = before.replaceAll(',', ' ').trim()
  if (outside === '') return inBraces
  return [outside.startsWith('*') ? '*' : 'default', ...inBraces]
}
