import { execFileSync } from 'node:child_process'
import * as z from 'zod'
import { entities } from '../../fixtures/entities/index.ts'
import { projections, tables } from '../../fixtures/tables/index.ts'
import type { Bundle } from './bundles.ts'

/** One import of a bundle in a process of its own, milliseconds. */
export type ImportTime = { readonly wall: number; readonly cpu: number }

const timeSchema = z.object({ wall: z.number(), cpu: z.number() })

/** Values that pass a function's check of its configuration; nothing is called with them. */
const placeholderFor = (variable: string): string => {
  if (variable.endsWith('_ARN')) return 'arn:aws:service:us-east-1:000000000000:thing'
  if (variable === 'TABLES')
    return JSON.stringify(
      Object.fromEntries([...entities, ...tables, ...projections].map(({ name }) => [name, name])),
    )
  if (variable === 'MIGRATE_ON_REQUEST') return 'true'
  if (variable === 'LOG_LEVEL') return 'info'
  return 'value'
}

/** Imports each bundle `rounds` times, in turns, so that a busy moment of the machine meets them all. */
export const importTimes = (bundles: readonly Bundle[], rounds: number): Map<Bundle, ImportTime[]> => {
  const times = new Map<Bundle, ImportTime[]>(bundles.map((bundle) => [bundle, []]))
  // The first round only warms the disk's cache.
  for (let round = 0; round <= rounds; round++) {
    for (const [bundle, own] of times) {
      const time = importOnce(bundle)
      if (round > 0) own.push(time)
    }
  }
  return times
}

const importOnce = ({ file, variables }: Bundle): ImportTime => {
  const script = `
    const before = process.cpuUsage()
    const started = performance.now()
    await import(${JSON.stringify(file)})
    const wall = performance.now() - started
    const { user, system } = process.cpuUsage(before)
    process.stdout.write(JSON.stringify({ wall, cpu: (user + system) / 1000 }))
    process.exit()`
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
    timeout: 60_000,
    env: {
      AWS_REGION: 'us-east-1',
      ...Object.fromEntries(variables.map((name) => [name, placeholderFor(name)])),
    },
  })
  return timeSchema.parse(JSON.parse(output))
}
