import { cp, symlink } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { runCommand } from '../../infra/local/processes/command.ts'
import { makeFolder, type TemporaryFolder } from './folder.ts'

const REPOSITORY = resolve(import.meta.dirname, '..', '..')
/** What isn't part of a checkout, at its top. */
const LEFT_OUT = ['.git', '.backsync', 'cdk.out', 'coverage', 'node_modules']

/** This checkout as it is on the disk, in a folder of its own, with a link to the packages. */
export const copyCheckout = async (): Promise<TemporaryFolder> => {
  const folder = await makeFolder()
  await cp(REPOSITORY, folder.path, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !LEFT_OUT.includes(relative(REPOSITORY, source)),
  })
  await symlink(join(REPOSITORY, 'node_modules'), join(folder.path, 'node_modules'))
  return folder
}

const PERSON = { NAME: 'Ada', EMAIL: 'ada@example.com' }

/** Runs git in a folder, without what the machine's user has set. */
export const git = (
  folder: string,
  ...args: readonly string[]
): Promise<{ code: number | null; output: string }> =>
  runCommand('git', args, {
    withinMs: 60_000,
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_SYSTEM: '/dev/null',
      ...Object.fromEntries(
        Object.entries(PERSON).flatMap(([name, value]) => [
          [`GIT_AUTHOR_${name}`, value],
          [`GIT_COMMITTER_${name}`, value],
        ]),
      ),
    },
  })

/** Makes a repository of a folder, with all that is in it in a first commit. @throws Error when git fails */
export const commitAll = async (folder: string, message: string): Promise<void> => {
  const steps = [
    ['init', '--quiet', '--initial-branch=main'],
    ['add', '--all'],
    ['commit', '--quiet', '-m', message],
  ]
  for (const step of steps) {
    const { code, output } = await git(folder, ...step)
    if (code !== 0) throw new Error(`git ${step.join(' ')}: ${output}`)
  }
}
