/**
 * `node test/soak/field/mutants.ts [--only PART] [--results FILE] [--writes N]`: takes out of a copy of this checkout one mend after the
 * other, and runs the field on it, or the test that holds it, which has to fail. One JSON line each; exit code 1: one was not seen.
 */
import { Command } from 'commander'
import { tryMutants } from '../mutants.ts'
import { mutants } from './mutant-list.ts'
import { tested } from './tested-list.ts'

const { only, results, writes } = new Command('mutants')
  .option('--only <part>', 'those whose name has it, or whose mend is called so')
  .option('--results <file>', 'keeps what was tried, and goes on where an earlier run has stopped')
  .option('--writes <n>', 'of each run', '800')
  .parse()
  .opts<{ only?: string; results?: string; writes: string }>()

const trial = {
  args: [
    'test/soak/field/main.ts',
    ...['--writes', writes, '--seed', '1', '--restored', '20', '--no-faults', '--patience', '90'],
  ],
  problem: /^(?:Error: )?(?:chef |recipe |users|the |a )/,
}
await tryMutants([...mutants, ...tested], trial, { only, results })
