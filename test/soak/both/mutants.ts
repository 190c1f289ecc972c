/**
 * `node test/soak/both/mutants.ts [--only PART] [--results FILE] [--minutes N]`: takes out of a copy of this checkout one guard of the mirror after
 * the other, and runs the soak of both sides on it, which has to fail. One JSON line each; exit code 1: one was not seen.
 */
import { Command } from 'commander'
import { tryMutants } from '../mutants.ts'
import { mutants } from './mutant-list.ts'

const { only, results, minutes } = new Command('mutants')
  .option('--only <part>', 'those whose name has it, or whose mend is called so')
  .option('--results <file>', 'keeps what was tried, and goes on where an earlier run has stopped')
  .option('--minutes <n>', 'of each run', '1.5')
  .parse()
  .opts<{ only?: string; results?: string; minutes: string }>()

const trial = {
  args: ['test/soak/both/main.ts', '--minutes', minutes, '--seed', '3'],
  problem: /^(?:Error: )?(?:chef |recipe |\d+ (?:rows|records)|the )/,
}
await tryMutants(mutants, trial, { only, results })
