import type { CorsSettings } from './cors.ts'
import type { RouteKey } from './route-key.ts'
import type { ThrottleSettings } from './throttle.ts'

/** How a route is used, as its metadata in the template says: for people. It changes nothing in how it is served. */
export type RouteUsage = {
  readonly methods: readonly string[]
  /** A valid body for its POST or PUT. */
  readonly example?: Readonly<Record<string, unknown>> | undefined
  /** Of a list, the fields of the example that it is asked for by. */
  readonly query?: readonly string[] | undefined
}

/** A route of the template with the function behind it. */
export type ApiRoute = {
  readonly key: RouteKey
  readonly authorization: 'NONE' | 'AWS_IAM' | 'JWT' | 'CUSTOM'
  /** Name or ARN of the function. */
  readonly functionArn: string
  /** At most 30,000. */
  readonly timeoutMs: number
  /** The stage's RouteSettings for this route, else its DefaultRouteSettings. */
  readonly throttle?: ThrottleSettings
  readonly usage?: RouteUsage
}

/** An HTTP API with its one stage, as the template has it. */
export type HttpApi = {
  readonly id: string
  /** `$default`, or the first segment of every path. */
  readonly stage: string
  readonly stageVariables?: Readonly<Record<string, string>>
  readonly cors?: CorsSettings
  readonly routes: readonly ApiRoute[]
}
