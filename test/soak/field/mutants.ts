/**
 * `node test/soak/field/mutants.ts [--only PART] [--writes N]`: takes out of a copy of this checkout one mend after the
 * other, and runs the field on it, which has to fail. One JSON line each; exit code 1: one was not seen.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { runCommand } from '../../../infra/local/processes/command.ts'
import { copyCheckout } from '../../support/checkout.ts'
import { mutants } from './mutant-list.ts'

const { only, writes } = new Command('mutants')
  .option('--only <part>', 'those whose name has it')
  .option('--writes <n>', 'of each run', '1200')
  .parse()
  .opts<{ only?: string; writes: string }>()

for (const { name, file, find, replace } of mutants) {
  if (only !== undefined && !name.includes(only)) continue
  const checkout = await copyCheckout()
  try {
    const path = join(checkout.path, file)
    const text = await readFile(path, 'utf8')
    if (text.split(find).length !== 2) throw new Error(`${name}: ${file} has not once what is to be replaced`)
    await writeFile(
      path,
      text.replace(find, () => replace),
    )
    const { code, output } = await runCommand(
      process.execPath,
      ['test/soak/field/main.ts', '--writes', writes, '--seed', '1', '--restored', '20', '--no-faults'],
      { withinMs: 540_000, cwd: checkout.path, env: { ...process.env, TMPDIR: checkout.path } },
    )
    const seen = code !== 0
    const expected = !name.startsWith('none')
    const [first = ''] = output.split('\n').filter((line) => /^(chef|recipe|users|the |Error)/.test(line))
    console.log(JSON.stringify({ name, seen, asExpected: seen === expected, first: first.slice(0, 200) }))
    if (seen !== expected) process.exitCode = 1
  } finally {
    await checkout.remove()
  }
}
