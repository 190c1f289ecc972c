import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../../infra/local/processes/command.ts'
import { copyCheckout } from '../support/checkout.ts'

/** A mend that is taken out of the source, by its text, which is there once: a soak has to see it. */
export type Mutant = {
  /** One that begins with `none` takes nothing out, and must pass. */
  readonly name: string
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** A soak that a mutant is tried by: its program with its arguments, and which lines of it say what is wrong. */
export type Trial = { readonly args: readonly string[]; readonly problem: RegExp }

/**
 * Takes out of a copy of this checkout one mend after the other, and runs a soak on it, which has to fail. Prints one JSON line
 * each.
 *
 * @param only those whose name has it
 * @returns whether each was seen
 */
export const tryMutants = async (
  mutants: readonly Mutant[],
  { args, problem }: Trial,
  only: string | undefined,
): Promise<boolean> => {
  let all = true
  for (const { name, file, find, replace } of mutants) {
    if (only !== undefined && !name.includes(only)) continue
    const checkout = await copyCheckout()
    try {
      const path = join(checkout.path, file)
      const text = await readFile(path, 'utf8')
      if (text.split(find).length !== 2)
        throw new Error(`${name}: ${file} has not once what is to be replaced`)
      await writeFile(
        path,
        text.replace(find, () => replace),
      )
      const { code, output } = await runCommand(process.execPath, args, {
        withinMs: 540_000,
        cwd: checkout.path,
        env: { ...process.env, TMPDIR: checkout.path },
      })
      const seen = code !== 0
      const expected = !name.startsWith('none')
      const [first = ''] = output.split('\n').filter((line) => problem.test(line))
      console.log(JSON.stringify({ name, seen, asExpected: seen === expected, first: first.slice(0, 200) }))
      all &&= seen === expected
    } finally {
      await checkout.remove()
    }
  }
  return all
}
