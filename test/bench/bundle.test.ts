import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { importTimes } from './bundle/import-time.ts'
import { bundleLines } from './bundle/report.ts'

describe('the benchmark of the bundles', () => {
  let folder: string
  let file: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'backsync-bench-'))
    file = join(folder, 'index.mjs')
    writeFileSync(file, `if (!process.env.NEEDED_ARN.startsWith('arn:')) throw new Error('not set')\n`)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('imports a bundle in fresh processes, with the settings that it needs', () => {
    const bundle = { functions: ['Other'], file, variables: ['NEEDED_ARN'] }

    const times = importTimes([bundle], 2).get(bundle)

    expect(times).toHaveLength(2)
    for (const { wall, cpu } of times ?? []) {
      expect(wall).toBeGreaterThan(0)
      expect(cpu).toBeGreaterThan(0)
    }
  })

  it('prints size and medians, with the goals of the functions that have some', () => {
    const bundle = { functions: ['LegacyApi', 'BackSyncFunction'], file, variables: [] }
    const times = [5, 100, 7].map((wall) => ({ wall, cpu: wall * 2 }))

    const lines = bundleLines(bundle, times)

    expect(lines).toMatchObject([
      { name: 'LegacyApi, BackSyncFunction: size', unit: 'kB', goal: 480 },
      { name: 'LegacyApi, BackSyncFunction: import', value: 7, best: 5, unit: 'ms', goal: 115 },
      { name: 'LegacyApi, BackSyncFunction: import, CPU', value: 14, unit: 'ms', goal: null },
    ])
    expect(bundleLines({ ...bundle, functions: ['ModernApi'] }, times)[0]?.goal).toBeNull()
    expect(bundleLines({ ...bundle, functions: ['TableSyncFunction'] }, times)[0]?.goal).toBe(310)
  })
})
