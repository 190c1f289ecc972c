import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import {
  type RaisedMark,
  type RaisedMarks,
  type SteppedBack,
  SteppedBackError,
  TOKENS_KEPT,
  type ToldMark,
  type ToldMarks,
} from '../../../../functions/bridge/model/store-mark.ts'
import type {
  AuroraMarkStore,
  DynamoMarkStore,
  NextMark,
} from '../../../../functions/bridge/ports/store-marks.ts'
import { StoreMarks } from '../../../../functions/bridge/sync/store-marks.ts'
import { interleave, type Turn } from '../../../support/interleave.ts'

/*
 * Both stores as they are for the marks, and relays between them, a step at a time. What Aurora holds is the list of all writes that it
 * has accepted; what DynamoDB holds is the list that a relay has read there. Applying one that lacks something that DynamoDB has, while
 * Aurora lacks it too, is what a lift does to newer items.
 */

export const ENTITY = 'chef'

type Kept<M> = { readonly mark: M | undefined; readonly writes: readonly number[] }

/** One store, and all that it was at any moment. */
class Lives<M> {
  now: Kept<M> = { mark: undefined, writes: [] }
  readonly before: Kept<M>[] = []

  set(next: Partial<Kept<M>>): void {
    this.before.push(this.now)
    this.now = { ...this.now, ...next }
  }
}

export class ModelStores {
  readonly aurora = new Lives<RaisedMark>()
  readonly dynamo = new Lives<ToldMark>()
  /** Times that a store was restored. */
  restores = 0

  /** @param turn comes before each step @param answers whether the answer of the n-th change comes */
  sides(
    turn: Turn,
    answers: () => boolean,
  ): { readonly aurora: AuroraMarkStore; readonly dynamo: DynamoMarkStore } {
    const { aurora, dynamo } = this
    const mapOf = <M>(mark: M | undefined): ReadonlyMap<string, M> =>
      new Map(mark === undefined ? [] : [[ENTITY, mark]])
    return {
      aurora: {
        read: async (): Promise<RaisedMarks> => {
          await turn()
          return mapOf(aurora.now.mark)
        },
        raise: async ([one]: readonly NextMark[]) => {
          await turn()
          const { mark } = aurora.now
          if (one === undefined || mark?.mark !== one.was?.mark || mark?.tokens[0] !== one.was?.token)
            return false
          const tokens: [string, ...string[]] = [one.next.token, ...(mark?.tokens ?? [])]
          tokens.splice(TOKENS_KEPT)
          aurora.set({ mark: { mark: one.next.mark, tokens, witnessed: one.witnessed } })
          // It is sent again then, and refused.
          return answers()
        },
        renew: async (_, { mark, token }) => {
          await turn()
          aurora.set({ mark: { mark, tokens: [token], witnessed: 0n } })
        },
      },
      dynamo: {
        read: async (): Promise<ToldMarks> => {
          await turn()
          return mapOf(dynamo.now.mark)
        },
        tell: async ([one]) => {
          await turn()
          const { mark } = dynamo.now
          if (one === undefined) return undefined
          if (mark?.mark !== one.was?.mark || mark?.token !== one.was?.token) return mapOf(mark)
          dynamo.set({ mark: one.next })
          return answers() ? undefined : mapOf<ToldMark>(one.next)
        },
      },
    }
  }
}

type Marks = Pick<StoreMarks, 'look' | 'judge' | 'raise'>

/** What is done otherwise, or not at all, so that a search has something to find. */
export type Without = {
  /** Nothing is looked at. */
  readonly guard?: boolean
  /** A mark of the same number counts as the same. */
  readonly tokens?: boolean
  /** DynamoDB is told first. */
  readonly order?: boolean
  /** Marks are raised before what is to be applied is read. */
  readonly reading?: boolean
}

export type Schedule = {
  readonly choices: readonly number[]
  /** Rounds of each relay, and the step behind which it is killed, if it has so many. */
  readonly relays: readonly { readonly rounds: number; readonly killed: number }[]
  readonly writes: number
  /** The store that is restored, and to what share of its past. */
  readonly restore: { readonly store: Owner; readonly to: number } | undefined
  /** Changes whose answers are lost. */
  readonly lost: readonly number[]
}

class Killed extends Error {}

const isPrefix = (one: readonly number[], of: readonly number[]): boolean =>
  one.every((write, at) => of[at] === write)

export type Played = {
  /** What relays have said of the stores. */
  readonly said: readonly SteppedBack[]
  /** Whether something that DynamoDB had was overwritten by an Aurora of before. */
  readonly lost: boolean
  /** What a relay that comes last says, and whether both hold the same then. */
  readonly last: readonly SteppedBack[]
  readonly equal: boolean
  /** Whether DynamoDB has something in the end that Aurora lacks, or knows of a mark that it lacks. */
  readonly isAuroraBehind: boolean
  /** Whether DynamoDB lacks a mark that Aurora knows it had. */
  readonly isDynamoBehind: boolean
}

export const play = async (schedule: Schedule, without: Without = {}): Promise<Played> => {
  const stores = new ModelStores()
  const said: SteppedBack[] = []
  let lost = false
  let changes = 0
  let tokens = 0
  const answers = (): boolean => !schedule.lost.includes(changes++)
  const marksOf = (turn: Turn): Marks => {
    if (without.guard === true)
      return { look: async () => [], judge: async () => [], raise: async () => true }
    const sides = stores.sides(turn, answers)
    const newToken = () => (without.tokens === true ? '0' : String(tokens++))
    const marks = new StoreMarks({ ...sides, newToken })
    if (without.order !== true) return marks
    const telling = new StoreMarks({
      ...sides,
      newToken,
      aurora: { ...sides.aurora, raise: sides.aurora.raise },
    })
    return {
      look: (names) => telling.look(names),
      judge: (names, raised) => telling.judge(names, raised),
      raise: async (_, raised) => {
        const was = raised.get(ENTITY)
        const next = { mark: (was?.mark ?? 0n) + 1n, token: newToken() }
        const told = (await sides.dynamo.read()).get(ENTITY)
        if ((await sides.dynamo.tell([{ entity: ENTITY, was: told, next }])) !== undefined) return false
        const last = was && { mark: was.mark, token: was.tokens[0] }
        return sides.aurora.raise([{ entity: ENTITY, was: last, next, witnessed: 0n }])
      },
    }
  }
  const carry = async (turn: Turn, rounds: number): Promise<readonly SteppedBack[]> => {
    const marks = marksOf(turn)
    const { aurora } = stores.sides(turn, answers)
    const back = await marks.look([ENTITY])
    if (back.length > 0) return back
    for (let round = 0; round < rounds; round++) {
      const raised = await aurora.read([ENTITY])
      const found = await marks.judge([ENTITY], raised)
      if (found.length > 0) return found
      if (without.reading === true && !(await marks.raise([ENTITY], raised))) continue
      await turn()
      const { writes } = stores.aurora.now
      // Neither a session nor an invocation lasts for as long as a restore takes.
      const life = stores.restores
      if (without.reading !== true && !(await marks.raise([ENTITY], raised))) continue
      await turn()
      if (stores.restores !== life) return []
      apply(writes)
    }
    return []
  }
  const apply = (writes: readonly number[]): void => {
    const there = stores.dynamo.now.writes
    if (isPrefix(there, writes)) stores.dynamo.set({ writes })
    else if (!isPrefix(there, stores.aurora.now.writes)) {
      lost = true
      stores.dynamo.set({ writes })
    }
  }
  const relay = (rounds: number, killed: number) => async (turn: Turn) => {
    let steps = 0
    const own: Turn = async () => {
      await turn()
      if (steps++ === killed) throw new Killed()
    }
    try {
      said.push(...(await carry(own, rounds)))
    } catch (error) {
      if (error instanceof SteppedBackError) said.push(...error.stores)
      else if (!(error instanceof Killed)) throw error
    }
  }
  const writer = async (turn: Turn): Promise<void> => {
    for (let n = 0; n < schedule.writes; n++) {
      await turn()
      stores.aurora.set({ writes: [...stores.aurora.now.writes, n] })
    }
  }
  const { restore } = schedule
  const restorer = async (turn: Turn): Promise<void> => {
    if (restore === undefined) return
    for (let n = 0; n < 12; n++) await turn()
    const bring = <M>(lives: Lives<M>): void => {
      const to = lives.before[Math.floor(restore.to * lives.before.length)]
      if (to !== undefined) lives.set(to)
    }
    if (restore.store === 'aurora') bring(stores.aurora)
    else bring(stores.dynamo)
    stores.restores += 1
  }
  const relays = schedule.relays.map(({ rounds, killed }) => relay(rounds, killed))
  await interleave([...relays, writer, restorer], schedule.choices)
  const last: SteppedBack[] = []
  const [{ mark: raised, writes }, { mark: told, writes: there }] = [stores.aurora.now, stores.dynamo.now]
  const isAuroraBehind =
    !isPrefix(there, writes) || (told !== undefined && !(raised?.tokens.includes(told.token) ?? false))
  const isDynamoBehind = told !== undefined && raised !== undefined && told.mark < raised.witnessed
  // Aurora is written once more, so that there is something to carry.
  stores.aurora.set({ writes: [...writes, 1_000] })
  const at = async (): Promise<void> => {}
  last.push(...(await carry(at, 4)))
  return {
    ...{ said, lost, last, isAuroraBehind, isDynamoBehind },
    equal:
      isPrefix(stores.dynamo.now.writes, stores.aurora.now.writes) &&
      isPrefix(stores.aurora.now.writes, stores.dynamo.now.writes),
  }
}
