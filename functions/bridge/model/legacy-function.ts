import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Kysely } from 'kysely'
import type { Json, RecordKind } from './attributes/attribute.ts'
import type { Version } from './change.ts'
import type { Identity } from './identity.ts'

/** One write of an entity that a function of the team's own is to make, without its item. */
export type KnownCall = {
  /** What the store has tells them apart: `create` where it has no row of the key. */
  readonly op: 'create' | 'replace' | 'delete'
  /** The identity, the same in both stores. */
  readonly key: string
  /** The id of the row in decimal, where rows are counted and there is one. */
  readonly legacyId?: string
  /** The whole new content as `/aurora` shows it; absent for a delete. */
  readonly row?: Readonly<Record<string, Json>>
  /** The ids in decimal of the counted rows that it refers to, by the attributes' names in `row`. */
  readonly ids: Readonly<Record<string, string>>
  readonly version: Version
  /** When the write happened: ISO 8601, UTC, milliseconds. */
  readonly at: string
}

/** As the table of the entity has it: the primary key of its item, and the whole item; of a delete the key alone. */
export type CalledItem = {
  readonly keys: Readonly<Record<string, AttributeValue>>
  readonly image?: Readonly<Record<string, AttributeValue>>
}

/** One write of an entity that a function of the team's own is to make. */
export type LegacyCall = KnownCall & { readonly entity: string; readonly item: CalledItem }

/**
 * What an answer means: `applied`, with the id of the row where rows are counted and the function has made it; `refused`,
 * it can't be done as it is; `waits`, something else has to come or go first; `again`, the same may succeed later.
 * `why` is for an operator and a client, and must hold no customer's value.
 */
export type Meaning =
  | { readonly is: 'applied'; readonly legacyId?: string | number | bigint }
  | { readonly is: 'waits' | 'again'; readonly why: string }
  /** `unclear`: a part of it may have been done. */
  | { readonly is: 'refused'; readonly why: string; readonly unclear?: boolean }

/** That a call whose end was not known has been done; with the id of the row that it has made, where rows are counted. */
export type DoneCall = { readonly legacyId?: string | number | bigint }

type Behaviour = {
  /**
   * The event for one call, or for up to `batch` of them; undefined: the function has no way to do it, and the change is
   * refused by name. It has to be one that JSON can hold.
   */
  readonly toEvent: (calls: readonly LegacyCall[]) => unknown
  /**
   * What an answer means, for all calls of the event or, as a list, for each. @default `meaningOfApi`: by its `statusCode`
   *
   * @param answer what the function has returned, as JSON has it
   */
  readonly meaning?: (answer: unknown, calls: readonly LegacyCall[]) => Meaning | readonly Meaning[]
  /**
   * Looks whether a call was done of which no answer is known: its caller died, the function was cut off, or threw. It is asked
   * before such a call is made once more; without it the call is made, so that what the function does must be harmless twice.
   * Asked too for the id of what was made, where `meaning` tells none.
   *
   * @param database Aurora over the Data API. Only read
   */
  readonly done?: (call: KnownCall, database: Kysely<unknown>) => Promise<DoneCall | undefined>
  /** Calls in one event. @default 1 */
  readonly batch?: number
  /** Events that are under way at once, of one batch of changes. @default 4 */
  readonly lanes?: number
  /**
   * The function's own timeout in seconds: no less than what it is deployed with, since nobody else writes the key for so long.
   * Of a `module` it is what it gets. @default 10
   */
  readonly timeout?: number
}

/** What an author of an entity says of the function that makes its writes in Aurora. */
export type LegacyFunctionDefinition = Behaviour &
  (
    | {
        /** A function that is deployed already, by its ARN, which may name an alias. */
        readonly functionArn: string
        readonly module?: undefined
      }
    | {
        /** A module below the repository that exports `handler`: bundled, and deployed as a function of its own. */
        readonly module: string
        readonly functionArn?: undefined
      }
  )

/** The function that makes an entity's writes in Aurora. */
export type LegacyFunction = Required<Pick<Behaviour, 'toEvent' | 'batch' | 'lanes' | 'timeout'>> &
  Pick<Behaviour, 'meaning' | 'done'> & { readonly functionArn?: string; readonly module?: string }

const ARN = /^arn:aws[\w-]*:lambda:[a-z]{2}(?:-[a-z]+)+-\d:\d{12}:function:[\w-]+(?::(?:\$LATEST|[\w-]+))?$/
const MODULE = /^(?!\.{0,2}\/)(?!.*\/\.\.\/)[\w./-]+\.[cm]?[jt]s$/

/** The longest timeout, in seconds: the API that may wait for it has 29. */
const LONGEST_TIMEOUT = 22

/**
 * Has the writes of an entity in Aurora made by the team's own Lambda function, those of the stream and of `/aurora` alike.
 * Its records are beside its rows (`record: 'sideTable'`).
 *
 * @throws TypeError naming the fault
 */
export const legacyFunction = (definition: LegacyFunctionDefinition): LegacyFunction => {
  const { functionArn, module, batch = 1, lanes = 4, timeout = 10, toEvent, meaning, done } = definition
  const fail = (why: string): never => {
    throw new TypeError(`legacyFunction: ${why}`)
  }
  if ((functionArn === undefined) === (module === undefined))
    fail('says either functionArn, of a function that is deployed, or module, of one to deploy')
  if (functionArn !== undefined && !ARN.test(functionArn)) fail(`"${functionArn}" is no ARN of a function`)
  if (module !== undefined && !MODULE.test(module))
    fail(`"${module}" is no path of a module below the repository, such as functions/legacy/recipes.js`)
  const whole: readonly (readonly [string, number, number])[] = [
    ['batch', batch, 100],
    ['lanes', lanes, 20],
    ['timeout', timeout, LONGEST_TIMEOUT],
  ]
  for (const [name, value, most] of whole)
    if (!Number.isInteger(value) || value < 1 || value > most)
      fail(`${name} is a whole number from 1 to ${most}`)
  return {
    ...(functionArn !== undefined && { functionArn }),
    ...(module !== undefined && { module }),
    ...{ toEvent, batch, lanes, timeout },
    ...(meaning && { meaning }),
    ...(done && { done }),
  }
}

/** What of an entity doesn't go with a function that writes it; undefined when nothing is. */
export const faultBeside = (
  { meaning, done }: LegacyFunction,
  {
    record,
    write,
    identity,
  }: { readonly record: RecordKind; readonly write: unknown; readonly identity: Identity },
): string | undefined => {
  if (record !== 'sideTable')
    return "a legacyFunction knows no columns of the bridge's: its records are beside its rows, in the sideTable"
  if (write !== undefined) return 'its writes are made by a legacyFunction, or have a write of their own'
  if (identity.kind === 'autoIncrement' && meaning === undefined && done === undefined)
    return 'its rows are counted: meaning or done has to tell the id of a row that the legacyFunction has made'
  return undefined
}
