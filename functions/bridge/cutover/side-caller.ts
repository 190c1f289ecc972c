import { InvokeError } from '../drivers/lambda/errors.ts'
import { ownerSignalIn } from '../drivers/owner-signal.ts'
import { Problem } from '../http/problem.ts'
import type { HttpRequest } from '../http/request.ts'
import type { HttpResponse } from '../http/response.ts'
import type { Entity } from '../model/entity.ts'
import { isPlainObject } from '../model/exact-json.ts'
import { type Owner, otherOf } from '../model/owner.ts'
import { pathOf } from '../model/paths.ts'
import { sideEvent } from '../model/side-event.ts'
import type { SideFunction } from '../model/side-function.ts'
import type { FunctionCaller, Invoked } from '../ports/function-caller.ts'
import { NotTheOwnerError } from '../ports/store.ts'
import type { Log } from '../runtime/log.ts'

/** What Lambda takes of an event at once, in bytes, less some room. */
const LARGEST_EVENT = 5_900_000

/** One request as it came, with what its event has beside it. */
export type SideCall = {
  readonly request: HttpRequest
  readonly requestId: string
  readonly authorizer: unknown
  /** Milliseconds since 1970. */
  readonly at: number
}

type Parts = {
  readonly caller: FunctionCaller
  /** The id of the row that has a key. */
  readonly idOf: (entity: Entity, key: string) => Promise<string | undefined>
  readonly log: Pick<Log, 'error' | 'warn'>
}

/** Calls the functions that serve sides of entities. */
export class SideCaller {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /**
   * Sends a request to the function that serves a side, and passes its answer on.
   *
   * @param key absent for the collection
   * @param own a header with the key that a create is to have
   * @throws NotTheOwnerError where a trigger has refused what it wrote: nothing was written
   * @throws Problem 413 for what no event can hold, 502 for what is no answer, 503 where it wasn't called
   */
  async send(
    entity: Entity,
    side: Owner,
    of: SideFunction,
    call: SideCall,
    { key, own }: { readonly key?: string; readonly own?: string } = {},
  ): Promise<HttpResponse> {
    const event = JSON.stringify(await this.#eventOf(entity, side, of, call, { key, own }))
    if (Buffer.byteLength(event) > LARGEST_EVENT)
      throw new Problem(413, 'too-large', 'This is more than the function that serves it can be sent.')
    const isWrite = call.request.method !== 'GET'
    const invoked = await this.#invoke(entity, side, of, event, isWrite)
    // What a customer has written says nothing, where the function only repeats it.
    const signal = ownerSignalIn(event) === undefined ? signalIn(invoked) : undefined
    if (signal !== undefined) {
      const beside = signal.entity === undefined || signal.entity === entity.name ? undefined : signal.entity
      throw new NotTheOwnerError(entity, key ?? own ?? '', otherOf(side), { ...(beside && { beside }) })
    }
    const answer = invoked.is === 'answered' ? readAnswer(invoked.answer) : undefined
    if (answer !== undefined) return answer
    this.#parts.log.error('a function that serves a side has given no answer', {
      ...{ entity: entity.name, side, function: of.functionArn },
      failed: invoked.is === 'failed' ? invoked.type : 'its answer is none of an API',
    })
    throw noAnswer(invoked.is === 'failed' ? 'has failed' : 'has answered what is no answer', isWrite)
  }

  async #eventOf(
    entity: Entity,
    side: Owner,
    of: SideFunction,
    { request, requestId, authorizer, at }: SideCall,
    { key, own }: { readonly key?: string | undefined; readonly own?: string | undefined },
  ): Promise<unknown> {
    const base = of.path ?? pathOf(entity, side)
    const name = key === undefined ? undefined : await this.#nameOf(entity, of, key)
    return sideEvent(of, {
      ...{ method: request.method, query: request.query, body: request.body, requestId, authorizer, at },
      path: name === undefined ? base : `${base}/${name}`,
      parameters: name === undefined ? {} : { [entity.keyName]: name },
      headers: { ...request.headers, ...(own !== undefined && { 'backsync-key': own }) },
    })
  }

  async #nameOf(entity: Entity, { names }: SideFunction, key: string): Promise<string> {
    if (names === 'key') return key
    return (await this.#parts.idOf(entity, key)) ?? key
  }

  async #invoke(
    { name }: Entity,
    side: Owner,
    { functionArn, timeout }: SideFunction,
    event: string,
    isWrite: boolean,
  ): Promise<Invoked> {
    try {
      return await this.#parts.caller.invoke(functionArn, event, timeout * 1000)
    } catch (error) {
      if (!(error instanceof InvokeError)) throw error
      this.#parts.log.error('a function that serves a side can not be called', { entity: name, side, error })
      if (error.mayHaveRun) throw noAnswer('has not answered in time', isWrite)
      if (error.kind === 'transient')
        throw new Problem(
          503,
          'unavailable',
          'The function that serves this has too much to do. Try again.',
          {
            headers: { 'retry-after': '1' },
          },
        )
      throw noAnswer('can not be called', false)
    }
  }
}

/** The refusal of a trigger's, in whatever the function has passed it on. */
const signalIn = (invoked: Invoked): ReturnType<typeof ownerSignalIn> => {
  const signal = ownerSignalIn(invoked.text)
  if (signal !== undefined || invoked.is === 'failed' || !isPlainObject(invoked.answer)) return signal
  const { body, isBase64Encoded } = invoked.answer
  return isBase64Encoded === true && typeof body === 'string'
    ? ownerSignalIn(Buffer.from(body, 'base64').toString('utf8'))
    : undefined
}

const noAnswer = (why: string, mayHaveRun: boolean): Problem =>
  new Problem(
    502,
    'side-failed',
    `The function that serves this ${why}.${mayHaveRun ? ' Whether it was done is not known: read it before it is sent again.' : ''}`,
  )

/** Headers that are the gateway's to say, of whatever length its answer is. */
const HOP: ReadonlySet<string> = new Set(['content-length', 'connection', 'transfer-encoding', 'date'])

/** What a function behind an API has answered; undefined for what no gateway would take. */
const readAnswer = (answer: unknown): HttpResponse | undefined => {
  if (!isPlainObject(answer)) return undefined
  const { statusCode, headers = {}, multiValueHeaders = {}, body, isBase64Encoded = false } = answer
  const status = Number(statusCode)
  if (!Number.isInteger(status) || status < 200 || status > 599) return undefined
  const hasText = body === undefined || body === null || typeof body === 'string'
  if (!hasText || typeof isBase64Encoded !== 'boolean') return undefined
  const named = { ...headersIn(headers), ...headersIn(multiValueHeaders) }
  return {
    statusCode: status,
    headers: named,
    ...(typeof body === 'string' && { body }),
    ...(isBase64Encoded && { isBase64Encoded }),
  }
}

const headersIn = (headers: unknown): Record<string, string> =>
  isPlainObject(headers)
    ? Object.fromEntries(
        Object.entries(headers).flatMap(([name, value]) => {
          const text = Array.isArray(value) ? value.join(',') : value
          const isOwn = HOP.has(name.toLowerCase()) || text === null || text === undefined
          return isOwn ? [] : [[name.toLowerCase(), String(text)]]
        }),
      )
    : {}
