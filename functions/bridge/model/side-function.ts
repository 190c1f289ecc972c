import type { Identity } from './identity.ts'
import type { MirrorDefinition } from './mirror.ts'
import type { Owner } from './owner.ts'

/** What an author of an entity says of a function of the team's own that serves a side of it to the facade. */
export type SideFunctionDefinition = {
  /** A function that is deployed already, by its ARN, which may name an alias. */
  readonly functionArn: string
  /** The path of the collection as that function knows it. @default the side's own path, such as `/aurora/chefs` */
  readonly path?: string
  /** The shape of its events: a REST API's (1.0), or an HTTP API's (2.0). @default '2.0' */
  readonly payload?: '1.0' | '2.0'
  /**
   * What stands for a key in its path: the key, or the id of the legacy row, for a function that knows no other. @default 'key'
   */
  readonly names?: 'key' | 'id'
  /** How long its answer is waited for, in seconds: no less than it is deployed with. @default 10 */
  readonly timeout?: number
}

/** A function that serves one side of an entity to the facade. */
export type SideFunction = Required<Omit<SideFunctionDefinition, 'path'>> & { readonly path?: string }

/** Those that serve the sides of an entity; a side without one is served by the definition. */
export type Sides = { readonly [side in Owner]?: SideFunction }

const ARN = /^arn:aws[\w-]*:lambda:[a-z]{2}(?:-[a-z]+)+-\d:\d{12}:function:[\w-]+(?::(?:\$LATEST|[\w-]+))?$/
const PATH = /^(?:\/[A-Za-z0-9._~-]+)+$/
/** The API that waits for it has 29 seconds, and a look and a claim are before it. */
const LONGEST_TIMEOUT = 22

/**
 * Has a side of an entity served to the facade by the team's own Lambda function, which gets the client's request as an API event.
 *
 * @throws TypeError naming the fault
 */
export const sideFunction = (definition: SideFunctionDefinition): SideFunction => {
  const { functionArn, path, payload = '2.0', names = 'key', timeout = 10 } = definition
  const fail = (why: string): never => {
    throw new TypeError(`sideFunction: ${why}`)
  }
  if (!ARN.test(functionArn)) fail(`"${functionArn}" is no ARN of a function`)
  if (path !== undefined && !PATH.test(path))
    fail(`"${path}" can't be a path: it is /segments of letters, digits, ".", "_", "~" and "-"`)
  if (!Number.isInteger(timeout) || timeout < 1 || timeout > LONGEST_TIMEOUT)
    fail(`timeout is a whole number from 1 to ${LONGEST_TIMEOUT}`)
  return { functionArn, ...(path !== undefined && { path }), payload, names, timeout }
}

/** What of an entity doesn't go with functions that serve its sides; undefined when nothing is. */
export const faultOfSides = (
  { aurora, dynamo }: Sides,
  { mirror, identity }: { readonly mirror: MirrorDefinition | undefined; readonly identity: Identity },
): string | undefined => {
  if (aurora === undefined && dynamo === undefined) return 'sides names no function'
  if (aurora !== undefined && mirror === undefined)
    return "a function that serves the aurora side writes by plain SQL, and only the mirror's triggers tell whose a key is: say mirror: {}"
  if (aurora !== undefined && mirror?.plainSql === 'record')
    return "what a function that serves the aurora side writes of a key that was moved has to be refused: say mirror: { plainSql: 'refuse' }"
  if (dynamo?.names === 'id') return 'items have no ids: a function that serves the dynamo side knows keys'
  if (aurora?.names === 'id' && identity.kind !== 'autoIncrement')
    return 'only rows that are counted have an id beside their key'
  return undefined
}
