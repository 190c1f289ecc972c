import type { Guard } from '../fakes/guards.ts'
import { hash, type Move, Run } from './run.ts'
import { copyOf, open, type Scene, type World } from './world.ts'

type Trail = { readonly move: Move; readonly before: Trail | undefined }
/** A state to go on from: how to get there from one in which nothing was going on. */
type Node = { readonly base: World; readonly path: readonly Move[]; readonly trail: Trail | undefined }

export type Searched = {
  readonly states: number
  readonly moves: number
  /** Whether each state was seen that can be. */
  readonly whole: boolean
  readonly fault?: { readonly says: string; readonly schedule: readonly Move[] }
}

/**
 * Looks at each state that a scene can come to, once. A call that is going on can't be copied: a state is reached again by
 * its moves from the last one in which none was.
 */
export const search = async (
  scene: Scene,
  { out = [], most = 1_000_000 }: { readonly out?: readonly Guard[]; readonly most?: number } = {},
): Promise<Searched> => {
  const guards = new Set(out)
  const seen = new Set<number>()
  const open_: Node[] = [{ base: open(scene), path: [], trail: undefined }]
  let moves = 0
  for (let node = open_.pop(); node !== undefined; node = open_.pop()) {
    let { base, path, trail }: Node = node
    const run = new Run(copyOf(base), scene, guards)
    for (const move of path) await run.make(move)
    moves += path.length
    for (;;) {
      const says = run.fault
      if (says !== undefined)
        return { states: seen.size, moves, whole: false, fault: { says, schedule: scheduleOf(trail) } }
      const print = hash(run.print)
      if (seen.has(print)) break
      seen.add(print)
      if (seen.size > most) return { states: seen.size, moves, whole: false }
      if (run.isAtRest) [base, path] = [copyOf(run.world), []]
      const [next, ...others] = run.moves()
      for (const move of others) open_.push({ base, path: [...path, move], trail: { move, before: trail } })
      if (next === undefined) break
      await run.make(next)
      moves += 1
      path = [...path, next]
      trail = { move: next, before: trail }
    }
  }
  return { states: seen.size, moves, whole: true }
}

const scheduleOf = (trail: Trail | undefined): Move[] =>
  trail === undefined ? [] : [...scheduleOf(trail.before), trail.move]
