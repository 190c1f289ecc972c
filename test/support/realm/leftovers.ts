import { createHook } from 'node:async_hooks'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** What keeps a process from ending, as Node calls it, and what it is. */
const KINDS: Readonly<Record<string, string>> = {
  TCPSERVERWRAP: 'a listening socket',
  PIPESERVERWRAP: 'a listening socket',
  TCPWRAP: 'an open connection',
  PIPEWRAP: 'an open pipe',
  TLSWRAP: 'an open connection',
  UDPWRAP: 'an open socket',
  PROCESSWRAP: 'a child process',
  FSEVENTWRAP: 'a watched file',
  STATWATCHER: 'a watched file',
  WORKER: 'a worker thread',
  MESSAGEPORT: 'an open port',
  Timeout: 'a timer',
}
/** A timer that is due sooner is no reason to fail a file, but for one that begins again. */
const LONG_MS = 1_000
/** What is being closed gets so long: sockets end with the next packet, children with their signal. */
const PATIENCE_MS = 2_000
const POLL_MS = 10
const TURNS = 5

type Resource = {
  hasRef(): boolean
  readonly _idleTimeout?: number
  readonly _repeat?: number | null
  /** Of a socket: fills in its own address. */
  getsockname?(address: { address?: string; port?: number }): unknown
}
type Made = { readonly kind: string; readonly resource: WeakRef<Resource>; readonly at: Error }

/** Of the file that runs, by Node's id. */
const made = new Map<number, Made>()
const root = fileURLToPath(new URL('../../..', import.meta.url))

const hook = createHook({
  init: (id, type, _, resource) => {
    const kind = KINDS[type]
    // Its stack is written only once it is read, which takes a hundred times as long: each call of an SDK sets timers.
    if (kind !== undefined && hasRef(resource) && isLong(resource))
      made.set(id, { kind, resource: new WeakRef(resource), at: new Error() })
  },
  destroy: (id) => {
    made.delete(id)
  },
  // Nobody waits for a promise's end, and to be told of each would take longer than the tests do.
  trackPromises: false,
})

/** From now on it is known what is made. What was made before is somebody else's. */
export const watchLeftovers = (): void => {
  // Node makes them when they are first asked for; they are the process's.
  void [process.stdin, process.stdout, process.stderr]
  made.clear()
  hook.enable()
}

/**
 * What has been made since `watchLeftovers` and still keeps the process from ending: open sockets, children, timers over
 * a second. What ends soon by itself isn't told.
 *
 * @param patienceMs how long to wait for the end of what is being closed
 * @returns each with the place where it was made
 */
export const findLeftovers = async (patienceMs = PATIENCE_MS): Promise<readonly string[]> => {
  // What was begun just now is there in a turn or two: a server listens once its host has been looked up.
  for (let turn = 0; turn < TURNS; turn++) await nextTurn()
  const until = performance.now() + patienceMs
  while (current().length > 0 && performance.now() < until) await pause(POLL_MS)
  return current().map(
    ({ kind, at, resource }) => `${kind}${addressOf(resource.deref())}, made ${placeOf(at.stack ?? '')}`,
  )
}

const current = (): readonly Made[] =>
  [...made.values()].filter(({ resource }) => resource.deref()?.hasRef() === true)

const hasRef = (resource: object): resource is Resource => 'hasRef' in resource

const isLong = ({ _idleTimeout: delay = LONG_MS, _repeat: every }: Resource): boolean =>
  delay >= LONG_MS || typeof every === 'number'

const addressOf = (resource: Resource | undefined): string => {
  const name: { address?: string; port?: number } = {}
  resource?.getsockname?.(name)
  return name.port === undefined ? '' : ` at ${name.address}:${name.port}`
}

/** The first frame in the repository's own files. */
const placeOf = (stack: string): string => {
  const frame = stack
    .split('\n')
    .find((line) => line.includes(root) && !/node_modules/.test(line) && !line.includes(import.meta.filename))
  return frame === undefined ? 'later' : frame.trim().replace(`file://${root}`, '').replace(root, '')
}
