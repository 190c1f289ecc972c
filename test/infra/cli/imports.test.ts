import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from '@jest/globals'

const cli = fileURLToPath(new URL('../../../infra/cli/', import.meta.url))

it('of the command line only the way to the local stack knows that stack', () => {
  const files = globSync('**/*.{ts,mjs}', { cwd: cli })
  const knowing = files.filter((file) =>
    /from '(?:\.\.\/)+local\//.test(readFileSync(`${cli}${file}`, 'utf8')),
  )

  expect(files.length).toBeGreaterThan(40)
  expect(knowing).toEqual(['target/local.ts'])
})
