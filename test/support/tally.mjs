// Runs on any Node >= 18: JavaScript, node: modules only.
import { readFileSync } from 'node:fs'

/** @typedef {{ passed: number, failed: number }} Tally */

/**
 * Counts what jest says of a run in its results file (`--json --outputFile`).
 *
 * A test file that could not be loaded counts as one failure, and so do a run of no test at all, a run that left no
 * results, and one that fails although each of its tests passes.
 *
 * @param {{ path: string, ok: boolean, print: (line: string) => void }} run ok: jest ended with exit code 0
 * @returns {Tally}
 */
export const countResults = ({ path, ok, print }) => {
  let report
  try {
    report = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    print(`jest left no results: ${error instanceof Error ? error.message : error}`)
    return { passed: 0, failed: 1 }
  }
  const passed = report.numPassedTests
  const failed = report.numFailedTests + report.numRuntimeErrorTestSuites
  if (failed > 0) return { passed, failed }
  if (passed === 0) print('no test was run')
  else if (!ok) print('all tests passed, and yet jest failed: see its last lines')
  return { passed, failed: ok && passed > 0 ? 0 : 1 }
}
