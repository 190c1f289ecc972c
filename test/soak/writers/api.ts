import type { Row } from '../../../functions/bridge/model/change.ts'
import { chef } from '../../fixtures/entities/chef.ts'
import { recipe } from '../../fixtures/entities/recipe.ts'
import type { SoakEntity } from '../ground.ts'

const ENTITIES = { chef, recipe } as const
/** The gateway gives up after 30 s. */
const TIMEOUT_MS = 35_000

/** An answer; status 0 when none came. */
export type Answer = { readonly status: number; readonly key: string; readonly version: number }

/** Calls the modern API as a client does. Never throws: what fails is an answer, too. */
export const callApi = async (
  url: string,
  entity: SoakEntity,
  call: {
    readonly method: 'POST' | 'PUT' | 'DELETE'
    readonly key?: string
    readonly ifMatch?: number
    readonly row?: Row
  },
): Promise<Answer> => {
  const { plural, keyName } = ENTITIES[entity]
  const { method, key, ifMatch, row } = call
  try {
    const response = await fetch(
      `${url}/dynamo/${plural}${key === undefined ? '' : `/${encodeURIComponent(key)}`}`,
      {
        method,
        headers: {
          ...(row && { 'content-type': 'application/json' }),
          ...(ifMatch !== undefined && { 'if-match': `"${ifMatch}"` }),
        },
        ...(row && { body: JSON.stringify(bodyOf(entity, row)) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      },
    )
    const text = await response.text()
    const body: unknown = text === '' ? {} : JSON.parse(text)
    const member = (name: string): unknown => Reflect.get(Object(body), name)
    return {
      status: response.status,
      key: String(member(keyName) ?? key),
      version: Number(member('version') ?? 0),
    }
  } catch {
    // A broken connection, or no answer in time: whether it was written nobody knows. It is counted.
    return { status: 0, key: key ?? '', version: 0 }
  }
}

/** A row as JSON. The API is stricter than the stores: what it would refuse is replaced. */
const bodyOf = (entity: SoakEntity, row: Row): Readonly<Record<string, unknown>> => {
  const fields = Object.entries(ENTITIES[entity].fields)
  const body = Object.fromEntries(fields.map(([name, field]) => [name, field.toJson(row[name] ?? null)]))
  for (const name of ['title', 'firstName', 'lastName']) if (body[name] === '') body[name] = '-'
  if (Array.isArray(body.ingredients))
    return {
      ...body,
      ingredients: body.ingredients.map((one) =>
        Object.fromEntries(Object.entries(one).map(([name, value]) => [name, orFiller(value)])),
      ),
    }
  return body
}

const orFiller = <T>(value: T): T | string => (value === '' ? '-' : value)
