/** A part that begins within this ends within ten minutes of the whole. */
const LAST_START_MS = 7 * 60_000

/** Parts of a benchmark that begin in time; what doesn't is named, and how to have it. */
export const inTime = function* <T>(
  parts: Iterable<readonly [name: string, part: T]>,
  { large, say, now = () => performance.now() }: Budget,
): Generator<readonly [name: string, part: T]> {
  const started = now()
  for (const [name, part] of parts) {
    if (large || now() - started < LAST_START_MS) yield [name, part]
    else say(`skipped: ${name}; the others took too long: --only ${name}, or --large for as long as it takes`)
  }
}

type Budget = {
  /** As long as it takes. */
  readonly large: boolean
  readonly say: (line: string) => void
  /** Milliseconds. */
  readonly now?: () => number
}
