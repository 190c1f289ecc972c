import * as z from 'zod'
import type { Clock } from './clock.ts'
import { type ErrorName, statuses } from './errors.ts'
import type { OperationName } from './request.ts'

const isErrorName = (name: unknown): name is ErrorName =>
  typeof name === 'string' && Object.hasOwn(statuses, name)

const common = {
  /** only calls of this operation */
  operation: z
    .enum(['Execute', 'BatchExecute', 'BeginTransaction', 'CommitTransaction', 'RollbackTransaction'])
    .optional(),
  /** only statements that hold this text */
  sql: z.string().min(1).optional(),
  /** how many calls it hits; without it, every call until the faults are cleared */
  times: z.int().min(1).optional(),
}

/** What can go wrong. All of it is off unless asked for. */
export const fault = z.discriminatedUnion('kind', [
  /** the answer comes later */
  z.strictObject({ kind: z.literal('delay'), ms: z.int().min(0), ...common }),
  /** ThrottlingException; the statement is not run */
  z.strictObject({ kind: z.literal('throttle'), ...common }),
  /** the connection breaks before the statement is run */
  z.strictObject({ kind: z.literal('drop-before'), ...common }),
  /** the statement is run and committed, then the connection breaks */
  z.strictObject({ kind: z.literal('drop-after'), ...common }),
  /** an exception, before the statement is run or after it was */
  z.strictObject({
    kind: z.literal('error'),
    error: z.custom<ErrorName>(isErrorName, 'not an exception of the Data API'),
    message: z.string().optional(),
    after: z.boolean().optional(),
    ...common,
  }),
  /** the cluster is paused; the first call wakes it, and it answers DatabaseResumingException for so long */
  z.strictObject({ kind: z.literal('resuming'), seconds: z.number().positive() }),
  /** the endpoint stops listening for so long: connections are refused */
  z.strictObject({ kind: z.literal('refuse'), seconds: z.number().positive() }),
])

export type Fault = z.infer<typeof fault>
/** A fault that hits single calls. */
export type CallFault = Exclude<Fault, { kind: 'refuse' }>

type Armed = { readonly fault: CallFault; left: number; resumesAt: number | undefined }

/**
 * The faults of one endpoint, for tests: what a client must survive. Handed to `startDataApi`, or taken from what it
 * returns, or set over its control port.
 */
export class Faults {
  #armed: Armed[] = []
  #onRefuse: (seconds: number) => void = () => undefined
  #onHit: (fault: Fault) => void = () => undefined

  /** Adds a fault to those that are set. */
  add(fault: Fault): void {
    if (fault.kind === 'refuse') {
      this.#onRefuse(fault.seconds)
      this.#onHit(fault)
      return
    }
    const times = 'times' in fault ? fault.times : undefined
    this.#armed.push({ fault, left: times ?? Number.POSITIVE_INFINITY, resumesAt: undefined })
  }

  clear(): void {
    this.#armed = []
  }

  list(): Fault[] {
    return this.#armed.map(({ fault }) => fault)
  }

  /** The faults that hit this call, each counted once; a resuming cluster hits until its time is over. */
  take(operation: OperationName, sql: string | undefined, clock: Clock): CallFault[] {
    const hits = this.#armed.filter((armed) => matches(armed.fault, operation, sql))
    for (const armed of hits) {
      armed.left -= 1
      if (armed.fault.kind === 'resuming') armed.resumesAt ??= clock.now() + armed.fault.seconds * 1000
    }
    const over = (armed: Armed): boolean => armed.resumesAt !== undefined && armed.resumesAt <= clock.now()
    const taken = hits.filter((armed) => !over(armed)).map((armed) => armed.fault)
    this.#armed = this.#armed.filter((armed) => armed.left > 0 && !over(armed))
    for (const fault of taken) this.#onHit(fault)
    return taken
  }

  /** Has each fault told that hits a call, or makes the endpoint refuse connections. */
  onHit(told: (fault: Fault) => void): void {
    this.#onHit = told
  }

  /** The endpoint says here how it stops listening. */
  onRefuse(refuse: (seconds: number) => void): void {
    this.#onRefuse = refuse
  }
}

const matches = (fault: CallFault, operation: OperationName, sql: string | undefined): boolean => {
  if (fault.kind === 'resuming') {
    // Commit and rollback belong to a connection, which keeps a cluster awake.
    return operation !== 'CommitTransaction' && operation !== 'RollbackTransaction'
  }
  if (fault.operation !== undefined && fault.operation !== operation) return false
  return fault.sql === undefined || (sql?.includes(fault.sql) ?? false)
}
