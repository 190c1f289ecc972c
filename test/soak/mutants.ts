import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { copyCheckout } from '../support/checkout.ts'

/** A mend that is taken out of the source, by its text, which is there once: a soak has to see it. */
export type Mutant = {
  /** One that begins with `none` takes nothing out, and must pass. */
  readonly name: string
  /** Where each mend has a name of its own: those that are gone without it. */
  readonly of?: readonly string[]
  readonly file: string
  readonly find: string
  readonly replace: string
  /** What its soak is asked for besides. */
  readonly args?: readonly string[]
  /** The test that has to see it, in place of a soak. */
  readonly test?: string
}

/** A soak that a mutant is tried by: its program with its arguments, and which lines of it say what is wrong. */
export type Trial = { readonly args: readonly string[]; readonly problem: RegExp }

export type TrialOptions = {
  /** Those whose name has it, or one of whose mends is called so. */
  readonly only?: string | undefined
  /** What was tried, a JSON line each: of the same source, with the same arguments, it is not tried again. */
  readonly results?: string | undefined
}

const resultSchema = z.object({
  name: z.string(),
  of: z.array(z.string()).optional(),
  /** `broken`: it ended otherwise than by saying what is wrong, which proves nothing. */
  verdict: z.enum(['seen', 'unseen', 'broken']),
  asExpected: z.boolean(),
  seconds: z.number(),
  /** The first line that says what is wrong. */
  first: z.string(),
  /** Of all that the result depends on. */
  print: z.string(),
})
type Result = z.infer<typeof resultSchema>

const testTrial = (path: string): Trial => ({
  args: ['node_modules/jest/bin/jest.js', '--maxWorkers=1', path],
  // A case that fails; not a file that can't be run.
  problem: /^\s*✕/,
})

/** So long a trial may take, in milliseconds. */
const WITHIN = 540_000
/** Characters that are kept of what it writes, the last ones. */
const MOST_OUTPUT = 64 * 1024
/** Characters of a line that are shown. */
const SHOWN = 200

/**
 * Takes out of a copy of this checkout one mend after the other, and runs a soak on it, which has to fail. Prints one JSON line
 * each. Ctrl-C ends it, with 130. The process' exit code is 1 where one was not seen.
 *
 * @throws Error when a mutant's text isn't in the source once
 */
export const tryMutants = async (
  mutants: readonly Mutant[],
  trial: Trial,
  { only, results }: TrialOptions = {},
): Promise<void> => {
  const known = results === undefined ? [] : await readResults(results)
  const interrupted = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => interrupted.abort())
  for (const mutant of mutants) {
    if (only !== undefined && !mutant.name.includes(only) && !mutant.of?.includes(only)) continue
    const { result, isNew } = await tryOne(mutant, trial, known, interrupted.signal)
    if (interrupted.signal.aborted) {
      process.exitCode = 130
      return
    }
    console.log(JSON.stringify(result))
    if (isNew && results !== undefined) await appendFile(results, `${JSON.stringify(result)}\n`)
    if (!result.asExpected) process.exitCode = 1
  }
}

const tryOne = async (
  { name, of, file, find, replace, test, args: own = [] }: Mutant,
  soak: Trial,
  known: readonly Result[],
  signal: AbortSignal,
): Promise<{ readonly result: Result; readonly isNew: boolean }> => {
  const { args: common, problem } = test === undefined ? soak : testTrial(test)
  const args = [...common, ...own]
  const checkout = await copyCheckout()
  try {
    const path = join(checkout.path, file)
    const text = await readFile(path, 'utf8')
    if (text.split(find).length !== 2) throw new Error(`${name}: ${file} has not once what is to be replaced`)
    await writeFile(
      path,
      text.replace(find, () => replace),
    )
    const print = await printOf(checkout.path, args)
    const before = known.findLast((one) => one.print === print && one.name === name)
    if (before !== undefined) return { result: before, isNew: false }
    const started = performance.now()
    const { code, output } = await run(checkout.path, args, signal)
    const [first = output.split('\n').at(-1) ?? ''] = output.split('\n').filter((line) => problem.test(line))
    const isSaid = output.split('\n').some((line) => problem.test(line))
    const verdict = code === 0 ? 'unseen' : isSaid ? 'seen' : 'broken'
    const result: Result = {
      name,
      ...(of && { of: [...of] }),
      verdict,
      asExpected: verdict === (name.startsWith('none') ? 'unseen' : 'seen'),
      seconds: Math.round((performance.now() - started) / 1000),
      first: code === 0 ? '' : first.trim().slice(0, SHOWN),
      print,
    }
    return { result, isNew: true }
  } finally {
    await checkout.remove()
  }
}

/**
 * Runs a soak to its end. One that takes too long is told to end, as one that somebody interrupts: it closes its servers then.
 *
 * @returns code null where it was ended by a signal
 */
const run = async (
  cwd: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly code: number | null; readonly output: string }> => {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, TMPDIR: cwd },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-MOST_OUTPUT)
    })
  const end = (): void => {
    child.kill('SIGTERM')
  }
  const timer = setTimeout(end, WITHIN)
  signal.addEventListener('abort', end)
  try {
    const [code]: (number | null)[] = await once(child, 'close')
    return { code: code ?? null, output: output.trimEnd() }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
}

/** What a soak is made of. */
const SOURCES = ['functions', 'infra', 'sql', 'test']

/** Tells this source, these arguments and this server from all others. */
const printOf = async (folder: string, args: readonly string[]): Promise<string> => {
  const hash = createHash('sha256').update(JSON.stringify([args, process.env.BACKSYNC_MYSQLD ?? '']))
  for (const source of SOURCES) {
    const entries = await readdir(join(folder, source), { recursive: true, withFileTypes: true })
    const files = entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
    for (const file of files.toSorted()) {
      // A test of its own is no part of a soak.
      if (file.endsWith('.test.ts')) continue
      hash.update(file.slice(folder.length)).update(await readFile(file))
    }
  }
  return hash.digest('hex').slice(0, 16)
}

const readResults = async (file: string): Promise<readonly Result[]> => {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => resultSchema.parse(JSON.parse(line)))
}
