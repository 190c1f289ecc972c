import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { teamLists } from '../../team.ts'
import { withoutSampleParts } from './documents.ts'
import { importsSample, withoutSample } from './lists.ts'
import { nextSteps } from './next-steps.ts'
import { isOfSample, sample } from './sample.ts'

/** One thing that is done; paths are below the repository. */
export type Step =
  | { readonly kind: 'delete'; readonly path: string; readonly files: number }
  | {
      readonly kind: 'rewrite'
      readonly path: string
      /** For people. */
      readonly what: string
      /** The whole text as it was read, and as it is to be. */
      readonly before: string
      readonly after: string
    }

/** How the sample is removed. Nothing has been done yet. */
export type InitPlan = {
  /** In the order in which they are done: at each moment, what is left compiles. None when the sample is gone. */
  readonly steps: readonly Step[]
  /** What has to be mended by hand before it can be removed. */
  readonly problems: readonly string[]
  /** What would be changed and isn't committed; undefined where no git knows of the folder. */
  readonly uncommitted: readonly string[] | undefined
}

/** Where modules are that may import the sample, and documents that may speak of it. */
const FOLDERS = ['functions', 'infra', 'test', 'sql', '.github']

/** What git leaves in a file that both sides have changed. */
const CONFLICT = /^<{7} /m

/** Looks at a checkout, and says how the sample is removed from it. */
export const planInit = async (repository: string): Promise<InitPlan> => {
  const problems: string[] = []
  const rewrites: Step[] = []
  const rewrite = (path: string, what: string, before: string, after: string): void => {
    if (after !== before) rewrites.push({ kind: 'rewrite', path, what, before, after })
  }
  const read = (path: string): Promise<string> => readFile(join(repository, path), 'utf8')
  const files = await filesBelow(repository)
  const candidates = [...teamLists, 'package.json', ...files.filter((file) => file.endsWith('.md'))]
  for (const path of candidates.filter((file) => files.includes(file) && !isOfSample(file)))
    if (CONFLICT.test(await read(path)))
      problems.push(`${path} has conflicts of a merge (git checkout --ours ${path} keeps yours)`)
  if (problems.length > 0) return { steps: [], problems, uncommitted: [] }

  for (const path of teamLists.filter((list) => files.includes(list))) {
    const before = await read(path)
    const { text, left } = withoutSample(path, before)
    for (const name of left) problems.push(`${path} uses ${name} of the sample`)
    rewrite(path, 'without the sample', before, text)
  }
  for (const path of files.filter((file) => /\.(ts|mjs)$/.test(file) && !isOfSample(file))) {
    const after = rewrites.find((step) => step.path === path)
    const text = after?.kind === 'rewrite' ? after.after : await read(path)
    if (importsSample(path, text)) problems.push(`${path} imports the sample`)
  }
  for (const path of files.filter((file) => file.endsWith('.md') && !isOfSample(file))) {
    const before = await read(path)
    const after = withoutSampleParts(before, path === 'README.md' ? nextSteps : '')
    if (after === undefined) problems.push(`${path} has a mark of the sample's without its counterpart`)
    else rewrite(path, path === 'README.md' ? 'says what to do next' : 'without the sample', before, after)
  }
  const manifest = await read('package.json')
  rewrite('package.json', `without ${sample.scripts.join(', ')}`, manifest, withoutScripts(manifest))

  const deletions = [...sample.places, ...sample.migrations].flatMap((path): Step[] => {
    if (!existsSync(join(repository, path))) return []
    return [{ kind: 'delete', path, files: files.filter((file) => `${file}/`.startsWith(`${path}/`)).length }]
  })
  const steps = [...rewrites, ...deletions]
  return { steps, problems, uncommitted: await uncommittedOf(repository, steps) }
}

const withoutScripts = (manifest: string): string => {
  const parsed: { readonly scripts?: Readonly<Record<string, string>> } = JSON.parse(manifest)
  const own = Object.entries(parsed.scripts ?? {}).filter(
    ([name]) => !sample.scripts.some((one) => one === name),
  )
  if (own.length === Object.keys(parsed.scripts ?? {}).length) return manifest
  return `${JSON.stringify({ ...parsed, scripts: Object.fromEntries(own) }, null, 2)}\n`
}

/** Paths with slashes, of the folders that count and of the files beside them. */
const filesBelow = async (repository: string): Promise<string[]> => {
  const below = await Promise.all(
    FOLDERS.filter((folder) => existsSync(join(repository, folder))).map(async (folder) => {
      const entries = await readdir(join(repository, folder), { recursive: true, withFileTypes: true })
      return entries
        .filter((entry) => !entry.isDirectory())
        .map((entry) =>
          join(entry.parentPath, entry.name)
            .slice(repository.length + 1)
            .replaceAll('\\', '/'),
        )
    }),
  )
  const top = (await readdir(repository, { withFileTypes: true })).filter((entry) => entry.isFile())
  return [...below.flat(), ...top.map(({ name }) => name)].sort()
}

const uncommittedOf = async (
  repository: string,
  steps: readonly Step[],
): Promise<readonly string[] | undefined> => {
  const paths = steps.map(({ path }) => path)
  if (paths.length === 0) return []
  try {
    const { stdout } = await promisify(execFile)(
      'git',
      ['status', '--porcelain', '--untracked-files=all', '-z', '--', ...paths],
      { cwd: repository },
    )
    return stdout
      .split('\0')
      .filter((line) => line !== '')
      .map((line) => line.slice(3))
  } catch {
    // Neither an archive that was unpacked nor a machine without git can say what is committed.
    return undefined
  }
}
