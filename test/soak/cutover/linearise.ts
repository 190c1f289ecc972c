import type { Operation } from './history.ts'
import { EMPTY, print, type State, step } from './register.ts'

/*
 * Wing and Gong's search, one key at a time: is there an order of the operations, each at some instant between its call and its
 * answer, in which a register gives these very answers? What was tried is remembered by the set of operations that are done and the
 * state after them.
 */

/** `unknown`: the search was given up, behind so many steps. */
export type Verdict = 'ordered' | 'not ordered' | 'unknown'

/** Steps of a search, at most. */
const MOST_STEPS = 400_000
/** Stands for what was written and never seen: all of it is alike. */
const UNSEEN = '?'

/** Whether operations of one key, in whatever order they are given, are those of one register. */
export const linearise = (operations: readonly Operation[]): Verdict => {
  const { answered, pending } = split(operations)
  const seen = new Set(answered.flatMap(({ answer }) => (answer?.is === 'found' ? [answer.value] : [])))
  const isSeen = ({ asked }: Operation): boolean => 'value' in asked && seen.has(asked.value)
  // That what nobody has seen was never done is the plainest of its stories.
  const plain = search(answered, pending.filter(isSeen))
  if (plain === 'ordered' || pending.every(isSeen)) return plain
  return search(
    answered,
    pending.map((one) =>
      isSeen(one) || !('value' in one.asked) ? one : { ...one, asked: { ...one.asked, value: UNSEEN } },
    ),
  )
}

const split = (operations: readonly Operation[]) => {
  const inTime = operations.toSorted((one, other) => one.from - other.from)
  return {
    answered: inTime.filter(({ answer }) => answer !== undefined),
    pending: inTime.filter(({ answer, asked }) => answer === undefined && asked.do !== 'read'),
  }
}

/** An operation on its way through a search. */
type Node = {
  readonly operation: Operation
  readonly at: number
  readonly until: number
  /** It has to be done: it was answered. */
  readonly isDue: boolean
  isDone: boolean
}

/** One step of a search: what may come next, of which so many were tried. */
type Frame = {
  readonly state: State
  readonly next: readonly Node[]
  tried: number
  /** The operation that has led here. */
  readonly by: Node | undefined
}

/** @param answered all of them have to be done, given in the order of their calls; @param pending each may be done or not */
const search = (answered: readonly Operation[], pending: readonly Operation[]): Verdict => {
  const nodes = [...answered, ...pending].map((operation, at): Node => {
    const { until = Number.POSITIVE_INFINITY } = operation
    return { operation, at, until, isDue: at < answered.length, isDone: false }
  })
  const [due, free] = [nodes.slice(0, answered.length), nodes.slice(answered.length)]
  const known = new Set<string>()
  let left = due.length
  let first = 0

  const set = (node: Node, isDone: boolean): void => {
    node.isDone = isDone
    if (!node.isDue) return
    left += isDone ? -1 : 1
    if (!isDone) first = Math.min(first, node.at)
    while (due[first]?.isDone === true) first += 1
  }
  const next = (): Node[] => {
    // Nothing begins before an answer that was there before it.
    let soonest = Number.POSITIVE_INFINITY
    const open: Node[] = []
    for (let at = first; at < due.length; at++) {
      const node = due[at]
      if (node === undefined || node.operation.from > soonest) break
      if (node.isDone) continue
      open.push(node)
      soonest = Math.min(soonest, node.until)
    }
    open.sort((one, other) => one.until - other.until)
    const kinds = new Set<string>()
    for (const node of free) {
      if (node.isDone || node.operation.from > soonest) continue
      const kind = JSON.stringify(node.operation.asked)
      if (!kinds.has(kind)) open.push(node)
      kinds.add(kind)
    }
    return open
  }
  const mark = (state: State): string => {
    const beyond = nodes.slice(first).flatMap(({ isDone, at }) => (isDone ? [at] : []))
    return `${first} ${beyond.join()} ${print(state)}`
  }

  const frames: Frame[] = [{ state: EMPTY, next: next(), tried: 0, by: undefined }]
  for (let steps = 1; left > 0; steps++) {
    if (steps > MOST_STEPS) return 'unknown'
    const frame = frames.at(-1)
    if (frame === undefined) return 'not ordered'
    const node = frame.next[frame.tried]
    frame.tried += 1
    if (node === undefined) {
      frames.pop()
      if (frame.by !== undefined) set(frame.by, false)
      continue
    }
    const state = step(frame.state, node.operation)
    if (state === undefined) continue
    set(node, true)
    const print = mark(state)
    if (known.has(print)) {
      set(node, false)
      continue
    }
    known.add(print)
    frames.push({ state, next: next(), tried: 0, by: node })
  }
  return 'ordered'
}
