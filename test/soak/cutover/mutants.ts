/**
 * `node test/soak/cutover/mutants.ts [--only PART] [--results FILE] [--minutes N]`: takes out of a copy of this checkout one guard of
 * claims and of the facade after the other, and has clients of facades on it whose routes are moved, which has to fail. One JSON line
 * each; exit code 1: one was not seen.
 */
import { Command } from 'commander'
import { tryMutants } from '../mutants.ts'
import { mutants } from './mutant-list.ts'

const { only, results, minutes } = new Command('mutants')
  .option('--only <part>', 'those whose name has it')
  .option('--results <file>', 'keeps what was tried, and goes on where an earlier run has stopped')
  .option('--minutes <n>', 'of each run', '1')
  .parse()
  .opts<{ only?: string; results?: string; minutes: string }>()

const trial = {
  args: [
    ...['test/soak/cutover/main.ts', '--minutes', minutes, '--seed', '3', '--patience', '40'],
    ...['--requests', '100000', '--moves', String(60 * Number(minutes)), '--kills', '6', '--instances', '8'],
  ],
  problem: /^(?:problem|finding): /,
}
await tryMutants(mutants, trial, { only, results })
