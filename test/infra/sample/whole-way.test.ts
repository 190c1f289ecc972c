import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { makeFolder, type TemporaryFolder } from '../../support/folder.ts'
import { type RunningStack, runStack } from '../../support/stack.ts'
import { runStep, settled, transcriptsOf } from '../../support/transcripts.ts'
import { chefsAloneApp, withChefsAlone } from './chefs-alone/sources.ts'

/** A stack of its own: what it does to its route can't be taken back, and other transcripts need one that goes on. */
describe('the whole way of a route, as the handbook tells it', () => {
  let folder: TemporaryFolder
  let stack: RunningStack
  beforeAll(async () => {
    folder = await makeFolder()
    stack = await runStack(folder.path, {}, { app: chefsAloneApp })
  }, 150_000)
  afterAll(async () => {
    await stack?.stop()
    await folder?.remove()
  }, 30_000)

  it('goes from legacy to complete, with two steps back, and takes out what is left', async () => {
    const page = readFileSync(resolve('infra/cli/README.md'), 'utf8')
    const steps = transcriptsOf(page, 'console of-its-own')
    expect(steps.length).toBeGreaterThan(20)
    for (const { command, expected } of steps) {
      const place = { url: stack.url, home: folder.path, nodeOptions: withChefsAlone, withinMs: 90_000 }
      const output = await runStep(command, place)
      expect({ command, prints: settled(output) }).toEqual({ command, prints: settled(expected) })
    }
  }, 300_000)
})
