import { readFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { runCommand } from '../../../infra/local/processes/command.ts'
import { makeFolder, type TemporaryFolder } from '../../support/folder.ts'
import { type RunningStack, runStack } from '../../support/stack.ts'
import { settled, transcriptsOf } from '../../support/transcripts.ts'

/** The pages in the order in which a reader would run them. */
const PAGES = ['README.md', 'infra/cli/README.md']

describe('the transcripts of the pages', () => {
  let folder: TemporaryFolder
  let stack: RunningStack

  beforeAll(async () => {
    folder = await makeFolder()
    stack = await runStack(folder.path, {}, { app: 'infra/app.ts' })
  }, 150_000)
  afterAll(async () => {
    await stack?.stop()
    await folder.remove()
  }, 30_000)

  it.each(PAGES)(
    'of %s are what its commands print',
    async (page) => {
      const steps = transcriptsOf(readFileSync(resolve(page), 'utf8'))
      expect(steps.length).toBeGreaterThan(0)
      for (const { command, expected } of steps) {
        const here = command.replaceAll('localhost:3000', new URL(stack.url).host)
        const { output } = await runCommand('/bin/sh', ['-c', here], {
          withinMs: 60_000,
          env: {
            ...process.env,
            NODE_OPTIONS: '',
            BACKSYNC_HOME: folder.path,
            PATH: [join(resolve('node_modules'), '.bin'), process.env.PATH].join(delimiter),
          },
        })

        expect({ command, prints: settled(output) }).toEqual({ command, prints: settled(expected) })
      }
    },
    180_000,
  )
})
