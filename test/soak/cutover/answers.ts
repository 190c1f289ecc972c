import * as z from 'zod'
import type { Answered, Asked } from './history.ts'
import type { FacadeAnswer } from './instances.ts'
import type { MovedEntity } from './moved.ts'

/** What an answer says of a key, and of the run. */
export type Read = {
  /** Undefined: whether it was done can't be told. */
  readonly answer: Answered | undefined
  /** The key that it tells. */
  readonly key?: string | undefined
  readonly version?: number
  /** It did nothing, and says nothing of the key. */
  readonly isNothing?: boolean
  /** What no facade may answer. */
  readonly fault?: string
}

const KEYS = { chef: 'chefId', plate: 'plateKey' } as const
const VALUES = { chef: 'lastName', plate: 'title' } as const
const bodySchema = z.record(z.string(), z.unknown()).catch({})
/** The last part of a problem's type. */
const codeOf = (body: Readonly<Record<string, unknown>>): string =>
  String(body.type ?? '')
    .split(/[/:#]/)
    .at(-1) ?? ''

/** Tells what a facade has answered in the words of a register; only what its contract knows. */
export const readAnswer = (
  entity: MovedEntity,
  asked: Asked,
  { statusCode, headers, body: text }: FacadeAnswer,
): Read => {
  const body = bodySchema.parse(text === '' ? {} : JSON.parse(text))
  const version = Number(/^"(\d+)"$/.exec(headers.etag ?? '')?.[1])
  const value = body[VALUES[entity]]
  const key = String(body[KEYS[entity]])
  const unheard = (): Read => ({
    answer: undefined,
    fault: `${asked.do} was answered with ${statusCode} ${text}`,
  })
  switch (statusCode) {
    case 200:
    case 201: {
      if (asked.do === 'delete' || !Number.isSafeInteger(version)) return unheard()
      if (asked.do === 'read') return { answer: { is: 'found', value: String(value), version }, key, version }
      if (value !== asked.value)
        return { answer: undefined, fault: `${asked.do} of ${asked.value} was answered with ${value}` }
      const created = statusCode === 201
      const isRepeated = asked.do === 'create' && asked.once !== undefined
      return { answer: { is: 'done', version, ...(!isRepeated && { created }) }, key, version }
    }
    case 204:
      return asked.do === 'delete' ? { answer: { is: 'done' } } : unheard()
    case 404:
      return asked.do === 'create' || asked.do === 'make' ? unheard() : { answer: { is: 'absent' } }
    case 409:
      if (asked.do === 'create' && codeOf(body) === 'exists') return { answer: { is: 'exists' } }
      if (asked.do === 'create' && codeOf(body) === 'idempotency-in-progress')
        return { answer: undefined, isNothing: true }
      return unheard()
    case 412:
      return asked.do === 'create' ? { answer: { is: 'exists' } } : { answer: { is: 'stale' } }
    case 503:
      return { answer: undefined }
    default:
      return unheard()
  }
}

/** What an answer is counted as. */
export const nameOf = ({ statusCode, body: text }: FacadeAnswer): string => {
  if (statusCode < 400) return String(statusCode)
  return `${statusCode} ${codeOf(bodySchema.parse(text === '' ? {} : JSON.parse(text)))}`
}
