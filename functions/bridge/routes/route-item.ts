import * as z from 'zod'
import {
  asAmount,
  asCount,
  asJson,
  asList,
  asOneOf,
  asText,
  itemReader,
} from '../drivers/dynamo/item-schema.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import { BridgeError } from '../model/errors.ts'
import { type Route, STAGES } from '../model/route.ts'
import { routeTable } from './route-table.ts'

/** An item of the routes' table that Backsync can't have written itself. */
export class ForeignRouteError extends BridgeError {
  override readonly name = 'ForeignRouteError'
  readonly code = 'route.foreign-item'
  readonly kind = 'configuration'
}

/** A route, and the number of the write that made it so: what is written next is written over this one only. */
export type StoredRoute = {
  readonly route: Route
  /** 0: nothing is stored. */
  readonly revision: number
  /** Names the write: whoever repeats his own knows it again. */
  readonly token: string
}

const number = z
  .string()
  .regex(/^\d{1,19}$/)
  .transform((digits) => BigInt(digits))
const place = z.object({ stage: z.enum(STAGES), percent: z.number() })
const frozen = z.object({ at: z.string(), by: z.string(), why: z.string() })
const settled = z.object({ epoch: number, at: z.string() })
const canary = z.object({
  ...{ at: z.string(), key: z.string(), toAurora: z.number() },
  epoch: number.exactOptional(),
})
const looks = z.object({ looks: z.number(), bad: z.number() })
const evidence = z.object({
  ...{ signal: z.string(), by: z.enum(['above', 'beside']) },
  ...{ cohort: looks, control: looks },
})
const history = z.array(
  z.object({
    ...{ epoch: number, at: z.string(), by: z.string(), from: place, to: place },
    lists: z.number().exactOptional(),
    why: z.string().exactOptional(),
    forced: z.array(z.string()).exactOptional(),
    evidence: z.array(evidence).exactOptional(),
  }),
)

const stored = z
  .object({
    ...{ entity: asText, revision: asCount, token: asText },
    epoch: z.object({ N: number }).transform(({ N }) => N),
    ...{ stage: asOneOf(...STAGES), percent: asAmount, salt: asText },
    ...{ allow: asList(asText), deny: asList(asText) },
    frozen: asJson.pipe(frozen).exactOptional(),
    settled: asJson.pipe(settled).exactOptional(),
    canary: asJson.pipe(canary).exactOptional(),
    history: asJson.pipe(history),
  })
  .transform(({ revision, token, ...route }): StoredRoute => ({ route, revision, token }))

/** @throws ForeignRouteError */
export const readRouteItem = itemReader<StoredRoute>(
  stored,
  (cause) => new ForeignRouteError("An item of the routes' table is not a route", { cause }),
)

export const routeItem = ({ route, revision, token }: StoredRoute): Item => ({
  [routeTable.partition]: { S: route.entity },
  revision: { N: String(revision) },
  token: { S: token },
  epoch: { N: String(route.epoch) },
  stage: { S: route.stage },
  percent: { N: String(route.percent) },
  salt: { S: route.salt },
  allow: { L: route.allow.map((key) => ({ S: key })) },
  deny: { L: route.deny.map((key) => ({ S: key })) },
  ...(route.frozen && { frozen: { S: json(route.frozen) } }),
  ...(route.settled && { settled: { S: json(route.settled) } }),
  ...(route.canary && { canary: { S: json(route.canary) } }),
  history: { S: json(route.history) },
})

const json = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? String(member) : member))
