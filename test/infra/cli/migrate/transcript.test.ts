import { readFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { settled, transcriptsOf } from '../../../support/transcripts.ts'
import { openTestStack, type TestStack } from '../harness.ts'
import { type MigrationsFolder, openMigrationsFolder } from './harness.ts'

const page = readFileSync(resolve('sql/README.md'), 'utf8')
/** The file that the page shows before. */
const FILE = /^```sql of-dishes\n(.*?)^```$/ms.exec(page)?.[1] ?? ''

let stack: TestStack
let folder: MigrationsFolder
beforeAll(async () => {
  stack = await openTestStack()
  folder = await openMigrationsFolder()
  folder.write('0100_dishes', FILE)
  // What the page tells: the connection breaks while the table is being emptied.
  stack.aurora.api.faults.add({ kind: 'drop-after', sql: 'TRUNCATE', times: 1 })
}, 60_000)
afterAll(async () => {
  await stack.close()
  await folder.remove()
})

const told = (text: string): string =>
  settled(text.replaceAll(relative(process.cwd(), folder.path), 'sql'))
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '<when>')
    .replaceAll(/the local stack in \S+/g, 'the local stack')
    // Not every server knows when a table was last written.
    .replaceAll(/<when> (?:-|<when>)$/gm, '<when>')

it('the page on migrations prints what its commands do', async () => {
  const steps = transcriptsOf(page, 'console of-dishes')
  expect(steps.length).toBeGreaterThan(5)
  const shown: string[] = []
  for (const { command } of steps) {
    const args = command.replace('npx backsync ', '').split(' ')
    const { stdout, stderr } = await stack.run(...args, '--folder', folder.path)
    shown.push(`${stderr}${stdout}`)
  }
  expect(shown.map(told)).toEqual(steps.map(({ expected }) => told(expected)))
}, 60_000)
