import { randomUUID } from 'node:crypto'
import type { Entity } from '../model/entity.ts'
import {
  isBehindAurora,
  isKeptByDynamo,
  type RaisedMark,
  type RaisedMarks,
  type SteppedBack,
  SteppedBackError,
  type ToldMark,
  type ToldMarks,
} from '../model/store-mark.ts'
import type { AuroraMarkStore, DynamoMarkStore, NextMark } from '../ports/store-marks.ts'

type Parts = {
  readonly aurora: AuroraMarkStore
  readonly dynamo: DynamoMarkStore
  /** Hexadecimal digits, never the same ones twice, at most 16. @default random */
  readonly newToken?: () => string
}

/** How often a mark is told over what others tell meanwhile. */
const ROUNDS = 8
/** What begins anew begins so far above all that is known: others may be raising marks at the same time. */
const ABOVE = 1_000n

/** The marks of both stores, and what follows of them: see `store-mark.ts`. One that stays remembers what DynamoDB was told. */
export class StoreMarks {
  readonly #parts: Parts
  readonly #newToken: () => string
  #told: ToldMarks = new Map()

  constructor(parts: Parts) {
    this.#parts = parts
    this.#newToken = parts.newToken ?? (() => randomUUID().replaceAll('-', '').slice(0, 12))
  }

  /**
   * Asks what DynamoDB was told; what is read of Aurora from then on is judged by it.
   *
   * @throws what the stores throw, as all of these methods
   */
  async begin(): Promise<void> {
    this.#told = await this.#parts.dynamo.read()
  }

  /**
   * Looks at both stores: DynamoDB first, since Aurora always has what DynamoDB was told.
   *
   * @returns those of the entities of which one of them was restored
   */
  async look(entities: readonly string[]): Promise<readonly SteppedBack[]> {
    await this.begin()
    return this.judge(entities, await this.#parts.aurora.read(entities))
  }

  /** @throws SteppedBackError where one of the stores was restored and nobody has said so; only of what is mirrored can it be told */
  async require({ name, mirror }: Pick<Entity, 'name' | 'mirror'>): Promise<void> {
    const [first] = mirror === undefined ? [] : await this.look([name])
    if (first !== undefined) throw new SteppedBackError([first])
  }

  /**
   * As `look`, of what was read of Aurora since: it asks DynamoDB only where that seems to lack something, as it does where another
   * relay has told it more meanwhile.
   */
  async judge(entities: readonly string[], raised: RaisedMarks): Promise<readonly SteppedBack[]> {
    const before = this.#told
    const seemsKept = (entity: string): boolean => isKeptByDynamo(this.#told.get(entity), raised.get(entity))
    if (!entities.every(seemsKept)) this.#told = await this.#parts.dynamo.read()
    return entities.flatMap((entity): SteppedBack[] => {
      if (!isBehindAurora(before.get(entity), raised.get(entity))) return [{ entity, store: 'aurora' }]
      return seemsKept(entity) ? [] : [{ entity, store: 'dynamo' }]
    })
  }

  /**
   * Raises the marks of entities, in Aurora first: behind the read of what is to be applied to DynamoDB, and before that is.
   *
   * @param raised as it was read before that, and was judged
   * @returns false where somebody else has raised them meanwhile: what was read is to be read once more
   * @throws SteppedBackError where that is seen only now
   */
  async raise(entities: readonly string[], raised: RaisedMarks): Promise<boolean> {
    const marks = entities.map((entity): NextMark => {
      const was = lastOf(raised.get(entity))
      const next = { mark: (was?.mark ?? 0n) + 1n, token: this.#newToken() }
      return { entity, was, next, witnessed: this.#told.get(entity)?.mark ?? 0n }
    })
    return (await this.#parts.aurora.raise(marks)) && this.#tell(marks)
  }

  /** Begins anew, once it was said which store was restored, and the other one has all keys of the entity. */
  async renew(entity: string): Promise<void> {
    const told = (await this.#parts.dynamo.read()).get(entity)
    const raised = (await this.#parts.aurora.read([entity])).get(entity)
    const [one, other] = [told?.mark ?? 0n, raised?.mark ?? 0n]
    // DynamoDB may know of less than Aurora does at any time: this one is told it by the relay.
    await this.#parts.aurora.renew(entity, {
      mark: (one > other ? one : other) + ABOVE,
      token: this.#newToken(),
    })
  }

  async #tell(marks: readonly NextMark[]): Promise<boolean> {
    const { aurora, dynamo } = this.#parts
    let todo = marks
    for (let round = 0; round < ROUNDS && todo.length > 0; round++) {
      const before = this.#told
      const there = await dynamo.tell(
        todo.map(({ entity, next }) => ({ entity, next, was: before.get(entity) })),
      )
      if (there === undefined) {
        this.#told = new Map([...before, ...todo.map(({ entity, next }) => [entity, next] as const)])
        return true
      }
      this.#told = there
      const raised = await aurora.read(todo.map(({ entity }) => entity))
      const [first, ...others] = todo.flatMap(({ entity }): SteppedBack[] => {
        const [told, known] = [there.get(entity), before.get(entity)]
        if (!isBehindAurora(told, raised.get(entity))) return [{ entity, store: 'aurora' }]
        const isLess = told !== undefined && known !== undefined && told.mark < known.mark
        return isLess ? [{ entity, store: 'dynamo' }] : []
      })
      if (first !== undefined) throw new SteppedBackError([first, ...others])
      // Raised in a life of Aurora's that was ended meanwhile: what was read belongs to that.
      if (!todo.every(({ entity, next }) => raised.get(entity)?.tokens.includes(next.token))) return false
      // One that came later tells of this one as well; and an answer that was lost has told it.
      todo = todo.filter(({ entity, next }) => (there.get(entity)?.mark ?? 0n) < next.mark)
    }
    return todo.length === 0
  }
}

const lastOf = (raised: RaisedMark | undefined): ToldMark | undefined =>
  raised && { mark: raised.mark, token: raised.tokens[0] }
