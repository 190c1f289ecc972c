import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { createOwnCode, emptyOwnCode, ownCodes } from '../../fixtures/own-code/index.ts'

const AT = '2026-11-22T03:00:00.123Z'
/**
 * Calls for twenty creates, as many updates, the same once more, and twenty deletes: the bridge's own, and those of the code, which
 * sends one for the batch or, where it goes row by row, one or two for each.
 */
const CALLS: Readonly<Record<string, readonly number[]>> = {
  'a derived column': [10 + 1, 9 + 1, 7, 9],
  'two tables': [9 + 40, 8 + 20, 5, 6],
  'stored procedures': [9 + 20, 8 + 20, 5, 9 + 20],
}
const BATCH = 20

describe.each(ownCodes.filter(([name]) => name in CALLS))('a batch of an entity with %s', (name, own) => {
  const { entity } = own
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora({ owned: [entity.name] })
    await createOwnCode(aurora.legacy, own)
  })
  afterAll(() => aurora.close())
  beforeEach(() => emptyOwnCode(aurora.legacy, own))

  const batch = (version: number, op: 'upsert' | 'delete'): Change[] =>
    Array.from({ length: BATCH }, (_, at): Change => {
      const key = own.key(at)
      const change = { entity: entity.name, key, version: BigInt(version), source: 'stream', at: AT }
      return op === 'delete' ? { ...change, op } : { ...change, op, row: own.row(key, `v${version}`) }
    })

  it('costs so many calls, whatever is in it, beside those of the code itself', async () => {
    const calls: number[] = []
    for (const changes of [batch(1, 'upsert'), batch(2, 'upsert'), batch(2, 'upsert'), batch(3, 'delete')]) {
      const before = aurora.calls()
      await aurora.writer.applyIsolating(entity, changes)
      calls.push(aurora.calls() - before)
    }

    expect(calls).toEqual(CALLS[name])
  })
})

describe('the README of entities', () => {
  const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8')
  const readme = read('../../../../functions/entities/README.md')

  it.each(['derived-column', 'two-tables', 'stored-procedure'])(
    'shows the entity of %s as it is tested',
    (name) => {
      const source = read(`../../fixtures/own-code/${name}.ts`)
      const shown = source.slice(source.indexOf('export const'))

      expect(readme).toContain(`\`\`\`ts\n${shown}\`\`\``)
      expect(shown.trimEnd().split('\n').length).toBeLessThanOrEqual(30)
    },
  )
})
