import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway'
import {
  HttpApi as Api,
  CfnRoute,
  HttpMethod,
  HttpStage,
  type IHttpRouteAuthorizer,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2'
import { HttpIamAuthorizer, HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers'
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { RemovalPolicy, Validations } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { facadePaths, pathOf, requireOwnPaths } from '../../functions/bridge/model/paths.ts'
import type { Auth, Settings } from '../settings.ts'
import type { EntityDescription } from './entity-table.ts'
import { output } from './output.ts'
import { pascalCase } from './pascal-case.ts'

export interface HttpApiProps {
  readonly settings: Settings
  readonly entities: readonly EntityDescription[]
  /** Serves `/aurora`. */
  readonly migrate: IFunction
  /** Serves `/aurora/{plural}`, or another path of the entity's, and one item below it. */
  readonly legacy: IFunction
  /** Serves `/dynamo/{plural}`, or another path of the entity's, and one item below it. */
  readonly modern: IFunction
  /** Serves `/{plural}`, or another path of the entity's, and one item below it. @default nothing does */
  readonly facade?: IFunction | undefined
}

/** How a route is used, kept in the template as its metadata: for people, and for commands to paste. */
export interface RouteUsage {
  /** What its function serves, none for a route that is not to be shown; the route itself takes any method. */
  readonly methods: readonly string[]
  /** A valid body for its POST or PUT; and of the path's parameters, those that are fields of it. */
  readonly example?: Readonly<Record<string, unknown>> | undefined
  /** Of a list, the fields of the example that it is asked for by. */
  readonly query?: readonly string[]
}

/** The name of a route's metadata. */
const usageKey = 'Backsync::Usage'

/**
 * The routes of both sides, from the list of entities. Every route takes any method: the functions know what they serve
 * and answer the rest with 405 and `Allow`, which the gateway, answering 404, would not.
 */
export class HttpApi extends Construct {
  /** Without a slash at its end. */
  readonly url: string
  readonly #api: Api

  constructor(scope: Construct, id: string, props: HttpApiProps) {
    super(scope, id)
    const { policy, auth } = props.settings
    const authorizer = authorizerFor(auth)
    const api = new Api(this, 'Api', {
      description: 'Backsync: the legacy and the modern side',
      createDefaultStage: false,
      ...(authorizer && { defaultAuthorizer: authorizer }),
    })
    this.url = api.apiEndpoint
    this.#api = api

    const accessLog = new LogGroup(this, 'AccessLog', {
      retention: policy.logRetention,
      removalPolicy: policy.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    })
    new HttpStage(this, 'Stage', {
      httpApi: api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: 500, burstLimit: 1000 },
      accessLogSettings: {
        destination: new LogGroupLogDestination(accessLog),
        format: AccessLogFormat.custom(JSON.stringify(accessLogFields)),
      },
    })

    const legacy = new HttpLambdaIntegration('Legacy', props.legacy)
    const modern = new HttpLambdaIntegration('Modern', props.modern)
    this.serve('Migrate', props.migrate, { '/aurora': { methods: ['GET'] } })
    for (const [side, integration] of [
      ['aurora', legacy],
      ['dynamo', modern],
    ] as const)
      this.#withSlash(`/${side}/{entities}`, integration)
    output(this, 'ApiUrl', this.url, 'The API; every route is below it')
    output(this, 'AuroraUrl', `${this.url}/aurora`, 'The state of the legacy schema')
    requireOwnPaths(props.entities)
    for (const entity of props.entities) {
      const { name, plural, keyName, example } = entity
      for (const [side, integration, what] of [
        ['aurora', legacy, 'legacy'],
        ['dynamo', modern, 'modern'],
      ] as const) {
        if (side === 'aurora' && entity.retired === true) continue
        const path = pathOf(entity, side)
        this.#route(path, integration, { methods: ['GET', 'POST'], example })
        this.#route(`${path}/{${keyName}}`, integration, {
          methods: ['GET', 'PUT', 'DELETE'],
          example,
        })
        if (path !== `/${side}/${plural}`) this.#withSlash(path, integration)
        output(
          this,
          `${pascalCase(side)}${pascalCase(plural)}Url`,
          `${this.url}${path}`,
          `The ${what} side of ${name}`,
        )
      }
    }

    if (props.facade !== undefined) this.#addFacade(props.facade, props.entities)

    if (auth.kind === 'none') {
      Validations.of(api).acknowledge({
        id: 'AwsSolutions-APIG4',
        reason: 'auth=none is for a development stage with made-up data; stage prod refuses it at synthesis.',
      })
    }
  }

  #addFacade(handler: IFunction, entities: readonly EntityDescription[]): void {
    const integration = new HttpLambdaIntegration('Facade', handler)
    const paths = facadePaths(entities)
    for (const { name, plural, keyName, example } of entities) {
      const path = paths.get(name)
      if (path === undefined) continue
      this.#route(path, integration, { methods: ['GET', 'POST'], example })
      this.#route(`${path}/{${keyName}}`, integration, { methods: ['GET', 'PUT', 'DELETE'], example })
      this.#withSlash(path, integration)
      output(this, `${pascalCase(plural)}Url`, `${this.url}${path}`, `Each ${name} at the side that owns it`)
    }
  }

  /**
   * Adds routes to a function.
   *
   * @param name of the function, unique among those that are served
   * @param routes how each is used, by its path
   */
  serve(name: string, handler: IFunction, routes: Readonly<Record<string, RouteUsage>>): void {
    const integration = new HttpLambdaIntegration(name, handler)
    for (const [path, usage] of Object.entries(routes)) {
      this.#route(path, integration, usage)
      this.#withSlash(path, integration)
    }
  }

  /**
   * Sends a path with a slash at its end to the function that serves it without: a REST API would, and an HTTP API takes
   * it for another path, for which it lets no route be named. Whatever else is below the path gets the function's 404.
   */
  #withSlash(path: string, integration: HttpLambdaIntegration): void {
    this.#route(`${path}/{slash+}`, integration, { methods: [] })
  }

  #route(path: string, integration: HttpLambdaIntegration, usage: RouteUsage): void {
    for (const { node } of this.#api.addRoutes({ path, methods: [HttpMethod.ANY], integration }))
      if (node.defaultChild instanceof CfnRoute) node.defaultChild.addMetadata(usageKey, usage)
  }
}

/** The authorizer of every route; undefined lets anyone call. */
function authorizerFor(auth: Auth): IHttpRouteAuthorizer | undefined {
  if (auth.kind === 'iam') return new HttpIamAuthorizer()
  if (auth.kind === 'jwt') {
    return new HttpJwtAuthorizer('Jwt', auth.issuer, { jwtAudience: [...auth.audience] })
  }
  return undefined
}

/**
 * One JSON object a request. No header, query or body: customers' data stay out of the log.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
 */
const accessLogFields = {
  time: '$context.requestTime',
  requestId: '$context.requestId',
  ip: '$context.identity.sourceIp',
  method: '$context.httpMethod',
  path: '$context.path',
  route: '$context.routeKey',
  status: '$context.status',
  responseBytes: '$context.responseLength',
  latencyMs: '$context.responseLatency',
  integrationMs: '$context.integrationLatency',
  error: '$context.error.message',
  integrationError: '$context.integrationErrorMessage',
  authorizerError: '$context.authorizer.error',
  caller: '$context.identity.userArn',
}
