/** One line of the benchmark's output. */
export type Line = {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What it is compared with, in the same unit and the same run. */
  readonly baseline: number
  /** What can't be exceeded, or must not be. */
  readonly limit: number
  /** By the baseline; the median of the rounds where there are several. */
  readonly ratio: number
  readonly ofLimit?: number
  readonly goal?: number
}

/** Four significant digits: more is noise. */
export const print = (line: Line): void => {
  const rounded = Object.entries(line).map(([name, value]) => [
    name,
    typeof value === 'number' ? Number(value.toPrecision(4)) : value,
  ])
  process.stdout.write(`${JSON.stringify(Object.fromEntries(rounded))}\n`)
}
