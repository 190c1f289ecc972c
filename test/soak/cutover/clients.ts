import { setTimeout as wait } from 'node:timers/promises'
import { httpApiEvent } from '../../functions/fixtures/http-events.ts'
import type { Random } from '../random.ts'
import { nameOf, readAnswer } from './answers.ts'
import type { Asked } from './history.ts'
import type { FacadeAnswer, Instances } from './instances.ts'
import type { Keys, Living, Once } from './keys.ts'
import type { MovedEntity } from './moved.ts'
import type { Recorder } from './recorder.ts'

/** What clients do, and how much of it. */
const WEIGHTS = {
  read: 40,
  'put under the last ETag': 18,
  'put under an older ETag': 3,
  put: 12,
  delete: 3,
  'delete under an ETag': 2,
  create: 6,
  'create once': 6,
  'create once more': 6,
  'put where nothing is': 2,
} as const
type Kind = keyof typeof WEIGHTS

/** How long most clients wait for an answer, in milliseconds; some wait for ever. */
const PATIENCE_MS = 8_000
const ENDLESS = 0.4
/** How often a create is repeated until it is answered. */
const REPEATS = 5

const PATHS = { chef: '/facade/chefs', plate: '/facade/plates' } as const

type Call = { readonly entity: MovedEntity; readonly key: string | undefined; readonly asked: Asked }

/** Clients of the facades, each with one call at a time. */
export class Clients {
  readonly #instances: Instances
  readonly #keys: Keys
  readonly #recorder: Recorder
  readonly #random: Random

  constructor(parts: { instances: Instances; keys: Keys; recorder: Recorder; random: Random }) {
    this.#instances = parts.instances
    this.#keys = parts.keys
    this.#recorder = parts.recorder
    this.#random = parts.random
  }

  /** One client, until the signal aborts. */
  async run(name: string, signal: AbortSignal): Promise<void> {
    const over = new Promise<void>((resolve) =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    )
    while (!signal.aborted) await Promise.race([this.#step(name, signal), over])
  }

  async #step(name: string, signal: AbortSignal): Promise<void> {
    const random = this.#random
    const entity = random.chance(0.5) ? 'chef' : 'plate'
    const kind = random.weighted(WEIGHTS)
    const one = this.#keys.pick(entity)
    if (kind === 'create once more') {
      const once = this.#keys.repeated()
      if (once !== undefined) return this.#once(name, once, 1, signal)
    }
    if (one === undefined || kind === 'create' || kind.startsWith('create once'))
      return this.#create(name, entity, entity === 'plate' ? one : undefined, kind !== 'create', signal)
    one.count += 1
    await this.#call(name, { entity, key: one.key, asked: this.#asked(kind, one, name) })
  }

  #asked(kind: Kind, { entity, versions }: Living, name: string): Asked {
    const value = this.#keys.value(name)
    const [last, older] = [versions.at(-1), versions[0]]
    const ifMatch = kind === 'put under an older ETag' ? older : last
    switch (kind) {
      case 'read':
        return { do: 'read' }
      case 'delete':
        return { do: 'delete' }
      case 'delete under an ETag':
        return { do: 'delete', ...(ifMatch !== undefined && { ifMatch }) }
      case 'put where nothing is':
        return entity === 'plate' ? { do: 'create', value } : { do: 'read' }
      case 'put':
        return { do: entity === 'plate' ? 'make' : 'replace', value }
      default:
        if (ifMatch === undefined) return { do: entity === 'plate' ? 'make' : 'replace', value }
        return { do: 'replace', value, ifMatch }
    }
  }

  async #create(
    name: string,
    entity: MovedEntity,
    one: Living | undefined,
    isRepeated: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const value = this.#keys.value(name)
    if (one !== undefined) one.count += 1
    if (!isRepeated) {
      await this.#call(name, { entity, key: one?.key, asked: { do: 'create', value } })
      return
    }
    const once = { entity, id: `once-${value.replaceAll(' ', '-')}`, value, key: one?.key }
    this.#keys.makesOnce(once)
    await this.#once(name, once, REPEATS, signal)
  }

  /** Asks for the same again until it is answered. */
  async #once(
    name: string,
    { entity, id, value, key }: Once,
    most: number,
    signal: AbortSignal,
  ): Promise<void> {
    for (let n = 0; n < most && !signal.aborted; n++) {
      const isAnswered = await this.#call(name, { entity, key, asked: { do: 'create', value, once: id } })
      if (isAnswered) return
      await wait(50)
    }
  }

  /** @returns whether it was answered what became of it */
  async #call(name: string, call: Call): Promise<boolean> {
    const { entity, key, asked } = call
    const open = this.#recorder.open({ entity, key, asked, by: name })
    const late = Promise.withResolvers<undefined>()
    const timer = this.#random.chance(ENDLESS)
      ? undefined
      : setTimeout(() => late.resolve(undefined), PATIENCE_MS)
    try {
      const answer = await Promise.race([this.#instances.call(eventOf(call), open.sentTo), late.promise])
      if (answer === undefined) {
        open.unanswered()
        return false
      }
      return this.#read(call, answer, open)
    } finally {
      clearTimeout(timer)
    }
  }

  #read({ entity, key, asked }: Call, answer: FacadeAnswer, open: ReturnType<Recorder['open']>): boolean {
    const read = readAnswer(entity, asked, answer)
    const { 'backsync-side': side, 'backsync-epoch': epoch } = answer.headers
    open.answered(read, nameOf(answer), `${side ?? 'no side'}, move ${epoch}`)
    const own = key ?? read.key
    if (asked.do === 'create' && own !== undefined && read.answer?.is === 'done')
      this.#keys.knows(entity, own)
    if (own !== undefined && read.version !== undefined) this.#keys.told(entity, own, read.version)
    return read.answer !== undefined
  }
}

const eventOf = ({ entity, key, asked }: Call): object => {
  const isPost =
    asked.do === 'create' && (entity === 'chef' || asked.once !== undefined || !asked.value.endsWith('7'))
  const path = isPost ? PATHS[entity] : `${PATHS[entity]}/${encodeURIComponent(key ?? '')}`
  const method = isPost ? 'POST' : asked.do === 'read' ? 'GET' : asked.do === 'delete' ? 'DELETE' : 'PUT'
  const ifMatch = 'ifMatch' in asked ? asked.ifMatch : undefined
  return httpApiEvent(method, path, {
    headers: {
      'content-type': 'application/json',
      ...(ifMatch !== undefined && { 'if-match': `"${ifMatch}"` }),
      ...(asked.do === 'create' && asked.once !== undefined && { 'idempotency-key': asked.once }),
      ...(asked.do === 'create' && !isPost && { 'if-none-match': '*' }),
    },
    ...('value' in asked && {
      body: JSON.stringify(
        entity === 'chef' ? { firstName: 'moved', lastName: asked.value } : { code: key, title: asked.value },
      ),
    }),
  })
}
