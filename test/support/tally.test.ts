import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { runCommand } from '../../infra/local/processes/command.ts'
import { makeFolder, type TemporaryFolder } from './folder.ts'

const tally = new URL('tally.mjs', import.meta.url).href

let folder: TemporaryFolder
beforeEach(async () => {
  folder = await makeFolder()
})
afterEach(() => folder.remove())

const count = async (results: string | undefined, ok: boolean): Promise<unknown> => {
  const path = join(folder.path, 'results.json')
  if (results !== undefined) await writeFile(path, results)
  const script = `import { countResults } from ${JSON.stringify(tally)}
    console.log(JSON.stringify(countResults({ path: ${JSON.stringify(path)}, ok: ${ok}, print: () => {} })))`
  return JSON.parse(
    (await runCommand(process.execPath, ['--input-type=module', '-e', script], { withinMs: 20_000 })).output,
  )
}
const results = (passed: number, failed: number, unloadable = 0): string =>
  JSON.stringify({ numPassedTests: passed, numFailedTests: failed, numRuntimeErrorTestSuites: unloadable })

it.each([
  ['all pass', results(5, 0), true, 5, 0],
  ['some fail', results(5, 2), false, 5, 2],
  ['a file cannot be loaded', results(5, 2, 1), false, 5, 3],
  ['no test was run', results(0, 0), true, 0, 1],
  ['jest fails although all pass', results(5, 0), false, 5, 1],
  ['jest leaves no results', undefined, false, 0, 1],
  ['jest leaves half a file', '{"numPassedTests":', true, 0, 1],
])('when %s', async (_, text, ok, passed, failed) => {
  expect(await count(text, ok)).toEqual({ passed, failed })
})
