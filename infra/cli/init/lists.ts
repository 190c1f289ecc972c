import { dirname, posix } from 'node:path'
import { isOfSample } from './sample.ts'

/** `import { a, b as c } from './d.ts'`, as the formatter writes it, on one line or on several. */
const IMPORT = /^import (?:type )?\{(?<names>[^}]*)\} from '(?<from>[^']+)'\n/gm
/** What any module is named by, in an import of any form. */
const SPECIFIER = /(?:\bfrom|\bimport\()\s*'(?<from>\.[^']+)'|^import '(?<bare>\.[^']+)'/gm

/** The modules below the repository that a module imports by a relative path. */
export const importsOf = (path: string, text: string): string[] =>
  Array.from(text.matchAll(SPECIFIER), ({ groups }) => resolved(path, groups?.from ?? groups?.bare ?? ''))

/** Whether a module imports something of the sample. */
export const importsSample = (path: string, text: string): boolean => importsOf(path, text).some(isOfSample)

/**
 * A team's list without what it has of the sample.
 *
 * @param path of the list, below the repository
 * @returns the list's text, and the names of the sample that are used in it in other ways
 */
export const withoutSample = (
  path: string,
  text: string,
): { readonly text: string; readonly left: readonly string[] } => {
  const names = new Set<string>()
  const ownOnly = text.replaceAll(IMPORT, (whole: string, imported: string, from: string) => {
    if (!isOfSample(resolved(path, from))) return whole
    for (const name of imported.split(',')) names.add(name.trim().split(/\s+/).at(-1) ?? '')
    return ''
  })
  names.delete('')
  const isOfTheirs = (element: string): boolean => names.has(element.replace(/^\.\.\./, ''))
  const emptied = ownOnly.replaceAll(/\[([^[\]]*)\]/g, (whole: string, inside: string) => {
    const elements = inside.split(',').map((element) => element.trim())
    const kept = elements.filter((element) => element !== '' && !isOfTheirs(element))
    return elements.some(isOfTheirs) ? `[${kept.join(', ')}]` : whole
  })
  const left = [...names].filter((name) => new RegExp(`\\b${name}\\b`).test(emptied))
  return { text: emptied.replace(/^\n+/, ''), left }
}

const resolved = (path: string, from: string): string => posix.join(dirname(path), from)
