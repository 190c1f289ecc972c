import { BridgeError } from '../model/errors.ts'

/**
 * What the bridge needs of a logger. Fields name entities, keys and versions, never a customer's values.
 */
export interface Log {
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const
type Level = (typeof LEVELS)[number]

export type LambdaLogOptions = {
  /** Takes one line, its end included. @default standard output */
  readonly write?: (line: string) => void
  /** @default the system's clock */
  readonly now?: () => Date
  /** Entries below it are left out; in any case. @default LOG_LEVEL, or else info */
  readonly level?: string | undefined
}

/**
 * One JSON line an entry, each with the invocation's request id. Lambda takes lines that are JSON already as they are,
 * and reads their `level` and `timestamp`.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
 */
export class LambdaLog implements Log {
  readonly #service: string
  readonly #write: (line: string) => void
  readonly #now: () => Date
  readonly #lowest: number
  #requestId: string | undefined

  constructor(service: string, options: LambdaLogOptions = {}) {
    this.#service = service
    // Past `console`, which Lambda wraps into a record of its own.
    this.#write = options.write ?? ((line) => void process.stdout.write(line))
    this.#now = options.now ?? (() => new Date())
    const level = (options.level ?? process.env.LOG_LEVEL)?.toLowerCase()
    const known = LEVELS.map(String).indexOf(level ?? 'info')
    this.#lowest = known < 0 ? LEVELS.indexOf('info') : known
  }

  begin(requestId: string): void {
    this.#requestId = requestId
  }

  info(message: string, fields: Record<string, unknown> = {}): void {
    this.#entry('info', message, fields)
  }

  warn(message: string, fields: Record<string, unknown> = {}): void {
    this.#entry('warn', message, fields)
  }

  error(message: string, fields: Record<string, unknown> = {}): void {
    this.#entry('error', message, fields)
  }

  #entry(level: Level, message: string, fields: Record<string, unknown>): void {
    if (LEVELS.indexOf(level) < this.#lowest) return
    const own = {
      level: level.toUpperCase(),
      timestamp: this.#now().toISOString(),
      service: this.#service,
      requestId: this.#requestId,
      message,
    }
    // A field can't take the place of what tells the entry's own story.
    this.#write(`${JSON.stringify({ ...fields, ...own }, showing())}\n`)
  }
}

/** Writes what JSON can't: errors as the log may show them, big integers as their digits, no circle twice. */
const showing = (): ((this: unknown, name: string, value: unknown) => unknown) => {
  const path: { readonly shown: unknown; readonly value: unknown }[] = []
  return function (_, value) {
    if (typeof value === 'bigint') return String(value)
    if (typeof value !== 'object' || value === null) return value
    while (path.length > 0 && path.at(-1)?.shown !== this) path.pop()
    if (path.some((outer) => outer.value === value)) return '[circular]'
    const shown = value instanceof Error ? describe(value) : value
    path.push({ shown, value })
    return shown
  }
}

/**
 * An error as the log may show it. A BridgeError's own message names no customer's value; where the text of its cause
 * may quote one, of that cause only the name is shown.
 */
const describe = (error: Error): Record<string, unknown> => {
  const { name, message, stack, cause } = error
  const own = error instanceof BridgeError ? Object.fromEntries(Object.entries(error)) : {}
  const quotesData = error instanceof BridgeError && error.causeQuotesData
  return {
    ...own,
    name,
    message,
    stack,
    ...(cause instanceof Error && { cause: quotesData ? { name: cause.name } : cause }),
  }
}
