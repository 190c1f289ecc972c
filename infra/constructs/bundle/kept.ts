import { createHash, randomUUID } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { codeOf } from '../../errors/thrown.ts'
import type { BundleRequest } from './main.ts'

const FILES = ['index.mjs', 'index.mjs.map'] as const
const MADE_OF = 'made-of.json'
/** What a bundle is made of beside its inputs: how packages are resolved, TypeScript read, and modules changed. */
const SURROUNDINGS = [
  'package-lock.json',
  'tsconfig.json',
  ...['main', 'exactly', 'left-out', 'replaced'].map((name) => `infra/constructs/bundle/${name}.ts`),
]

/** The variable that names the folder of kept bundles; without it none is kept, nor taken. */
export const KEPT_BUNDLES = 'BACKSYNC_KEPT_BUNDLES'

/** What a kept bundle was made of. */
type MadeOf = {
  /** The folder for which it was made: its source map is relative to that. */
  readonly folder: string
  /** SHA-256 of every file that went into it, by its path below the repository. */
  readonly inputs: Readonly<Record<string, string>>
}

/**
 * Bundles of one machine, kept from one synthesis to the next: `npm start` and the tests bundle what has changed, and
 * nothing else. What deploys is always bundled anew.
 */
export class KeptBundles {
  readonly #folder: string

  /** @param folder may be deleted at any time */
  constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * Puts the bundle where the request wants it, if each file that it was made of is as it was.
   *
   * @returns whether it did
   */
  take(request: BundleRequest): boolean {
    const kept = this.#placeOf(request)
    try {
      // Written by `keep`.
      const { folder, inputs }: MadeOf = JSON.parse(readFileSync(join(kept, MADE_OF), 'utf8'))
      const isSame = ([path, hash]: [string, string]) => hashOf(join(request.repository, path)) === hash
      if (!Object.entries(inputs).every(isSame)) return false
      const to = outputOf(request)
      mkdirSync(to, { recursive: true })
      cpSync(join(kept, FILES[0]), join(to, FILES[0]))
      const map: { sources: string[] } = JSON.parse(readFileSync(join(kept, FILES[1]), 'utf8'))
      const sources = map.sources.map((source) => relative(to, resolve(folder, source)))
      writeFileSync(join(to, FILES[1]), JSON.stringify({ ...map, sources }))
      return true
    } catch (error) {
      // Never made, or one of its files is gone.
      if (codeOf(error) === 'ENOENT') return false
      throw error
    }
  }

  /** Keeps what was made for a request, in the place of what was kept for the same one. */
  keep(request: BundleRequest, inputs: readonly string[]): void {
    const kept = this.#placeOf(request)
    const folder = outputOf(request)
    const paths = [...inputs, ...Object.values(request.replace), ...SURROUNDINGS]
    const madeOf: MadeOf = {
      folder,
      inputs: Object.fromEntries(paths.map((path) => [path, hashOf(join(request.repository, path))])),
    }
    // Made aside and moved as a whole: others may look for it at the same time.
    const draft = `${kept}.${randomUUID()}`
    mkdirSync(draft, { recursive: true })
    for (const name of FILES) cpSync(join(folder, name), join(draft, name))
    writeFileSync(join(draft, MADE_OF), JSON.stringify(madeOf))
    try {
      rmSync(kept, { recursive: true, force: true })
      renameSync(draft, kept)
    } catch (error) {
      // Another one was faster, with the same.
      if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error
      rmSync(draft, { recursive: true, force: true })
    }
  }

  #placeOf({ repository, options, leaveOut, replace }: BundleRequest): string {
    const { outfile, ...rest } = options
    const request = JSON.stringify([process.version, repository, rest, leaveOut, replace])
    return join(this.#folder, createHash('sha256').update(request).digest('hex').slice(0, 32))
  }
}

const outputOf = ({ options: { outfile = '' } }: BundleRequest): string => dirname(outfile)

const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')
