import type { Change, Intent } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import { UnsettledError } from '../model/outcome.ts'
import { type Epoch, type Owner, otherOf } from '../model/owner.ts'
import { isOver, type Route, targetOf } from '../model/route.ts'
import { StaleClaimError } from '../ports/claim-errors.ts'
import type { KeyRecord } from '../ports/key-records.ts'
import { FormerKeyError, KEPT_FOR, type OnceAnswer, type OnceRequest } from '../ports/once.ts'
import {
  type EntityStore,
  LostAnswerError,
  NoSuchKeyError,
  NotTheOwnerError,
  type Page,
  type PageRequest,
} from '../ports/store.ts'
import type { Stored } from '../ports/stored.ts'
import type { KnownRoute } from '../routes/route-cache.ts'
import { type FacadeParts, keyMeant, lookAtKey } from './look.ts'

/** How often a write is tried that meets a move, and in how much time, in milliseconds: then its client is asked to come again. */
const ROUNDS = 3
const TIME = 2_000

/** What a write does to a key, where somebody says at which side. */
type Send<T> = (side: Owner) => Promise<T>

type Asked = {
  readonly entity: Entity
  readonly key: string
  /**
   * What the write may find: `change`, something that is there; `make`, something or nothing; `create`, nothing, or it is refused;
   * `repeat`, nothing, or what it has made itself before.
   */
  readonly may: 'change' | 'make' | 'create' | 'repeat'
}

/**
 * The store of one request. A key is served at its owner. A write claims it first, where the route says that it belongs to the
 * other side and the key's record is of an earlier move; a read never does. What was refused at a side for its owner was not done
 * there, so it may be done at the other one.
 */
export class FacadeRequest implements EntityStore {
  /** The store whose lists are read, whose cursors say so. */
  readonly side: Owner
  readonly #parts: FacadeParts
  readonly #began: number
  #known: KnownRoute
  #answered: Owner | undefined
  #meant: Owner | undefined

  constructor(
    parts: FacadeParts,
    { began, known, listed }: { readonly began: number; readonly known: KnownRoute; readonly listed: Owner },
  ) {
    this.#parts = parts
    this.#began = began
    this.#known = known
    this.side = listed
  }

  /** Which side has answered; undefined: none. */
  get answered(): Owner | undefined {
    return this.#answered
  }

  /** Which side has answered, or was to answer by the route where nobody came so far; undefined: that was never asked. */
  get meant(): Owner | undefined {
    return this.#answered ?? this.#meant
  }

  /** The route as the request knew it last. */
  get route(): Route {
    return this.#known.route
  }

  async get(entity: Entity, asked: string): Promise<Stored | undefined> {
    const found = await this.find(entity, asked)
    return found && storedOf(found.record)
  }

  /** Where a key is, to be read, and what stands there of it; undefined where it is nowhere. */
  async find(
    entity: Entity,
    asked: string,
  ): Promise<{ readonly side: Owner; readonly record: KeyRecord } | undefined> {
    for (let round = 1; round <= ROUNDS; round++) {
      const { route } = this.#known
      const key = await keyMeant(this.#parts, entity, asked, route)
      const to = this.#meantFor(key)
      const whose = await lookAtKey(this.#parts, { entity, key }, to, route)
      if (whose.is !== 'nowhere') {
        const side = whose.is === 'owned' ? whose.owner : whose.from
        this.#answered = side
        return { side, record: whose.record }
      }
      // What is nowhere is told so only by who knows the route as it is now.
      if (await this.#isFresh(entity, route)) return undefined
    }
    throw new UnsettledError(`The route of ${entity.name} was moved in between, again and again`)
  }

  list(entity: Entity, page: PageRequest): Promise<Page> {
    this.#answered = this.side
    return this.#parts.stores[this.side].list(entity, page)
  }

  /** Does something at a side, which has answered then. */
  async at<T>(side: Owner, send: Send<T>): Promise<T> {
    this.#answered = side
    return send(side)
  }

  /** Does what a write does, by whatever serves the sides: where the key is, after a claim where the route says so. */
  place<T>(asked: Asked, send: Send<T>): Promise<T> {
    return this.#place(asked, send)
  }

  /** As `place`, with the key in its own form: clients may have named it by an id. */
  async placeNamed<T>(asked: Asked, send: (side: Owner, key: string) => Promise<T>): Promise<T> {
    const key = await keyMeant(this.#parts, asked.entity, asked.key, this.#known.route)
    return this.#place({ ...asked, key }, (side) => send(side, key))
  }

  /** Where what has a key is born that is nobody else's: it is nobody's to claim. */
  async birthSide(entity: Entity, key: string): Promise<Owner> {
    // Who knows nothing of the route may not choose where a key is born.
    if (!this.#known.isKnown) this.#known = await this.#parts.routes.since(entity.name, this.#began)
    return this.#meantFor(key)
  }

  async write(entity: Entity, wish: Change | Intent): Promise<Stored | undefined> {
    const { stores } = this.#parts
    if (wish.version !== 'next') {
      if (entity.identity.kind !== 'natural') return this.#make(entity, wish)
      const asked = { entity, key: wish.key, may: 'create' } as const
      return this.#place(asked, (side) => stores[side].write(entity, this.#underRoute(wish)))
    }
    const key = await keyMeant(this.#parts, entity, wish.key, this.#known.route)
    const { finding } = wish
    const intent = { ...wish, key }
    const send: Send<Stored | undefined> = (side) => stores[side].write(entity, this.#underRoute(intent))
    if (finding === 'nothing') return this.#place({ entity, key, may: 'create' }, send)
    const { finding: _, ...plain } = intent
    const first = await this.#atTarget(entity, key, (side) => stores[side].write(entity, plain))
    if ('done' in first) return first.done
    const own = first.key ?? key
    return this.#place({ entity, key: own, may: finding === 'either' ? 'make' : 'change' }, (side) =>
      stores[side].write(entity, this.#underRoute({ ...intent, key: own })),
    )
  }

  async createOnce(entity: Entity, change: Change, once: OnceRequest): Promise<OnceAnswer> {
    const may = entity.identity.kind === 'natural' ? 'create' : 'repeat'
    const { stores } = this.#parts
    let next = change
    for (;;) {
      const made = next
      try {
        return await this.#place({ entity, key: made.key, may }, (side) => {
          const only = { ...once, only: true } as const
          // Before the key was moved the other one may have done it.
          const elsewhere = async (asked: Change) =>
            isForgotten(this.#known.route, asked.at)
              ? undefined
              : stores[otherOf(side)].recall(entity, asked, only)
          return stores[side].createOnce(entity, this.#underRoute(made), { ...only, elsewhere })
        })
      } catch (error) {
        if (!(error instanceof FormerKeyError)) throw error
        next = { ...made, key: error.next }
      }
    }
  }

  /** Makes what has a key that is nobody else's. */
  async #make(entity: Entity, change: Change): Promise<Stored | undefined> {
    const side = await this.birthSide(entity, change.key)
    this.#answered = side
    return this.#parts.stores[side].write(entity, this.#underRoute(change))
  }

  /**
   * Tries a write of what has to be there where the key belongs, without a look: mostly it is there, and its store asks for the
   * owner in the write itself.
   *
   * @returns what was done; else the key in its own form, as far as the refusal has told it
   */
  async #atTarget<T>(
    entity: Entity,
    key: string,
    send: Send<T>,
  ): Promise<{ readonly done: T } | { readonly key: string | undefined }> {
    const side = this.#meantFor(key)
    try {
      const done = await send(side)
      this.#answered = side
      return { done }
    } catch (error) {
      if (isElsewhere(entity, error)) return { key: error.key }
      if (error instanceof NoSuchKeyError) return { key: undefined }
      this.#answered = side
      throw error
    }
  }

  /** Does a write where the key is, after a claim where the route says so. */
  async #place<T>(asked: Asked, send: Send<T>): Promise<T> {
    let cause: unknown
    for (let round = 1; round <= ROUNDS && (round === 1 || this.#hasTime()); round++) {
      const side = await this.#sideOf(asked)
      if (side !== undefined) {
        try {
          const done = await send(side)
          this.#answered = side
          return done
        } catch (error) {
          if (!isElsewhere(asked.entity, error)) {
            this.#answered = side
            throw error
          }
          cause = error
        }
      }
      // Somebody has moved it meanwhile: by a route, most likely, that isn't known here yet.
      this.#known = await this.#parts.routes.since(asked.entity.name, this.#parts.routes.now())
    }
    throw new UnsettledError(`A ${asked.entity.name} was moved in between, again and again`, { cause })
  }

  /** @returns undefined where it has to be looked at anew, with the route as it is by then */
  async #sideOf({ entity, key, may }: Asked): Promise<Owner | undefined> {
    const { route } = this.#known
    const to = this.#meantFor(key)
    const whose = await lookAtKey(this.#parts, { entity, key }, to, route)
    if (whose.is === 'owned') {
      const { owner, record } = whose
      const isRefused =
        may === 'create' ? record.state === 'held' : may === 'repeat' && record.state !== 'absent'
      const stays = owner === to || record.epoch >= route.epoch || route.frozen !== undefined
      // A create of what is there changes nothing, so nothing has to move for it.
      return stays || isRefused ? owner : this.#claim(entity, record.key, to, route.epoch, whose.records)
    }
    if (whose.is === 'half') {
      if (whose.epoch <= route.epoch) return this.#claim(entity, whose.record.key, to, route.epoch)
      // One that is later than the route was begun by hand, or by a route that isn't known here yet.
      if (!(await this.#isFresh(entity, route))) return undefined
      return this.#claim(entity, whose.record.key, whose.to, undefined)
    }
    if (!(await this.#isFresh(entity, route))) return undefined
    // Nobody makes anything in Aurora by then: it need not be kept from anybody there.
    if (may === 'change' || to === 'aurora' || isOver(route)) return to
    // What is nowhere counts as Aurora's.
    return route.frozen === undefined ? this.#claim(entity, key, to, route.epoch) : 'aurora'
  }

  /**
   * @returns the side that has the key then: where it can't be moved, the one that had it, and it is listed; undefined where a
   *   later move has it
   */
  async #claim(
    entity: Entity,
    key: string,
    to: Owner,
    epoch: Epoch | undefined,
    seen?: Readonly<Record<Owner, KeyRecord>>,
  ): Promise<Owner | undefined> {
    try {
      await this.#parts.claim(entity, key, to, epoch, seen)
      return to
    } catch (error) {
      if (error instanceof StaleClaimError) return undefined
      if (!(error instanceof BridgeError) || !UNMOVABLE.has(error.kind)) throw error
      const whose = await lookAtKey(this.#parts, { entity, key }, to, this.#known.route)
      if (whose.is === 'owned') return whose.owner
      throw new UnsettledError(`A ${entity.name} can't be moved, and nobody has it`, { cause: error })
    }
  }

  /** Whether a route is still the one that counts, as of when the request began. What is known is by then. */
  async #isFresh(entity: Entity, route: Route): Promise<boolean> {
    this.#known = await this.#parts.routes.since(entity.name, this.#began)
    return this.#known.route.epoch === route.epoch
  }

  /** What is born is of the move that is known: by that nobody who knows an earlier one moves it. */
  #underRoute<T extends Change | Intent>(change: T): T {
    return { ...change, epoch: this.#known.route.epoch }
  }

  /** The store to which a key belongs, as far as that is known. */
  #meantFor(key: string): Owner {
    this.#meant = targetOf(this.#known.route, key)
    return this.#meant
  }

  #hasTime(): boolean {
    return this.#parts.routes.now() - this.#began < TIME
  }
}

const storedOf = (record: KeyRecord): Stored | undefined =>
  record.state === 'held'
    ? { key: record.key, row: record.row, version: record.version, updatedAt: record.at }
    : undefined

/** Whether whatever Aurora has answered of a route that is over was so long ago that its record is. @param at ISO 8601, UTC */
const isForgotten = (route: Route, at: string): boolean =>
  isOver(route) && route.settled !== undefined && Date.parse(at) - Date.parse(route.settled.at) > KEPT_FOR

/** What no repeat of a claim would mend: the key stays where it is. */
const UNMOVABLE: ReadonlySet<string> = new Set(['data', 'dependency', 'client'])

/**
 * Whether a write was refused for its key's owner, and so was not done.
 *
 * @throws LostAnswerError where it may have been
 */
const isElsewhere = (entity: Entity, error: unknown): error is NotTheOwnerError => {
  if (!(error instanceof NotTheOwnerError) || error.beside !== undefined) return false
  if (error.mayHaveRun) throw new LostAnswerError(entity, 'moved', { cause: error })
  return true
}
