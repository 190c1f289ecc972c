import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import type { Bundle } from './bundles.ts'
import type { ImportTime } from './import-time.ts'

/** One line of the benchmark's output. */
export type BundleLine = {
  readonly name: string
  readonly value: number
  readonly unit: 'kB' | 'ms'
  /** what is wanted of the bundle, at most; null: none is set */
  readonly goal: number | null
  readonly best?: number
  readonly gzipped?: number
}

/** By how a function's logical id starts: its bundle, minified, kB of 1,000 bytes; and its import, ms. */
const GOALS: Readonly<Record<string, { readonly size: number; readonly import: number }>> = {
  BackSync: { size: 480, import: 115 },
  TableSync: { size: 310, import: 90 },
  CopyTable: { size: 350, import: 100 },
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN

const rounded = (value: number): number => Number(value.toPrecision(4))

/** The lines of one bundle: its size, and the median of the time and CPU time that its import takes. */
export const bundleLines = (bundle: Bundle, times: readonly ImportTime[]): BundleLine[] => {
  const content = readFileSync(bundle.file)
  const name = bundle.functions.join(', ')
  const [, goal] =
    Object.entries(GOALS).find(([start]) => bundle.functions.some((id) => id.startsWith(start))) ?? []
  const walls = times.map(({ wall }) => wall)
  return [
    {
      name: `${name}: size`,
      value: rounded(content.byteLength / 1000),
      unit: 'kB',
      goal: goal?.size ?? null,
      gzipped: rounded(gzipSync(content).byteLength / 1000),
    },
    {
      name: `${name}: import`,
      value: rounded(median(walls)),
      unit: 'ms',
      goal: goal?.import ?? null,
      best: rounded(Math.min(...walls)),
    },
    {
      name: `${name}: import, CPU`,
      value: rounded(median(times.map(({ cpu }) => cpu))),
      unit: 'ms',
      goal: null,
    },
  ]
}
