import * as z from 'zod'
import type { ApiRoute, HttpApi } from '../../gateway/api.ts'
import { parseRouteKey } from '../../gateway/route-key.ts'
import type { ThrottleSettings } from '../../gateway/throttle.ts'
import { TemplateError } from '../errors.ts'
import { boolean, number, readProperties } from '../properties.ts'
import type { TemplateScope } from '../scope.ts'

const strings = z.array(z.string()).default([])
const apiSchema = z.object({
  ProtocolType: z.literal('HTTP'),
  CorsConfiguration: z
    .object({
      AllowOrigins: strings,
      AllowMethods: strings,
      AllowHeaders: strings,
      ExposeHeaders: strings,
      MaxAge: number.optional(),
      AllowCredentials: boolean.default(false),
    })
    .optional(),
})
const limits = z.object({ ThrottlingRateLimit: number.optional(), ThrottlingBurstLimit: number.optional() })
const stageSchema = z.object({
  ApiId: z.string(),
  StageName: z.string(),
  StageVariables: z.record(z.string(), z.string()).optional(),
  DefaultRouteSettings: limits.optional(),
  RouteSettings: z.record(z.string(), limits).optional(),
})
const integrationSchema = z.object({
  ApiId: z.string(),
  IntegrationType: z.literal('AWS_PROXY'),
  IntegrationUri: z.string(),
  PayloadFormatVersion: z.literal('2.0'),
  TimeoutInMillis: number.default(30_000),
})
const routeSchema = z.object({
  ApiId: z.string(),
  RouteKey: z.string(),
  Target: z.string(),
  AuthorizationType: z.enum(['NONE', 'AWS_IAM', 'JWT', 'CUSTOM']).default('NONE'),
})

/** The metadata under which the stack says how a route is used. */
const usageSchema = z.object({
  'Backsync::Usage': z.object({
    methods: z.array(z.string()).min(1),
    example: z.record(z.string(), z.unknown()).optional(),
    query: z.array(z.string()).optional(),
  }),
})

/** An API with the logical id under which its URL is published. */
export type DefinedApi = { readonly logicalId: string; readonly api: HttpApi }

/** The HTTP APIs of the stack with their routes. */
export const apisOf = (scope: TemplateScope): DefinedApi[] =>
  scope.resources('AWS::ApiGatewayV2::Api').map(([logicalId]) => {
    const path = `Resources.${logicalId}`
    const { CorsConfiguration: cors } = readProperties(scope, logicalId, apiSchema)
    const id = String(scope.ref(logicalId, path))
    const stages = scope
      .resources('AWS::ApiGatewayV2::Stage')
      .map(([stageId]) => readProperties(scope, stageId, stageSchema))
      .filter((stage) => stage.ApiId === id)
    const [stage] = stages
    if (!stage || stages.length !== 1) {
      throw new TemplateError('template.unsupported', path, `expected one stage, got ${stages.length}`)
    }
    return {
      logicalId,
      api: {
        id,
        stage: stage.StageName,
        ...(stage.StageVariables && { stageVariables: stage.StageVariables }),
        ...(cors && {
          cors: {
            allowOrigins: cors.AllowOrigins,
            allowMethods: cors.AllowMethods,
            allowHeaders: cors.AllowHeaders,
            exposeHeaders: cors.ExposeHeaders,
            allowCredentials: cors.AllowCredentials,
            ...(cors.MaxAge !== undefined && { maxAgeSeconds: cors.MaxAge }),
          },
        }),
        routes: routesOf(scope, id, stage),
      },
    }
  })

const routesOf = (scope: TemplateScope, apiId: string, stage: z.infer<typeof stageSchema>): ApiRoute[] =>
  scope.resources('AWS::ApiGatewayV2::Route').flatMap(([routeId, { Metadata }]) => {
    const route = readProperties(scope, routeId, routeSchema)
    if (route.ApiId !== apiId) return []
    const integrationId = route.Target.replace(/^integrations\//, '')
    const isTarget = ([id]: [string, unknown]): boolean =>
      scope.ref(id, `Resources.${routeId}`) === integrationId
    const [found] = scope.resources('AWS::ApiGatewayV2::Integration').find(isTarget) ?? []
    if (found === undefined) {
      const path = `Resources.${routeId}.Properties.Target`
      throw new TemplateError('template.unknown-reference', path, `no integration ${integrationId}`)
    }
    const integration = readProperties(scope, found, integrationSchema)
    const throttle = throttleOf({ ...stage.DefaultRouteSettings, ...stage.RouteSettings?.[route.RouteKey] })
    const usage = usageSchema.safeParse(Metadata)
    return {
      key: parseRouteKey(route.RouteKey),
      authorization: route.AuthorizationType,
      functionArn: integration.IntegrationUri,
      timeoutMs: Math.min(30_000, integration.TimeoutInMillis),
      ...(throttle && { throttle }),
      ...(usage.success && { usage: usage.data['Backsync::Usage'] }),
    }
  })

const throttleOf = (settings: z.infer<typeof limits>): ThrottleSettings | undefined => {
  const { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst } = settings
  if (rate === undefined && burst === undefined) return undefined
  // Where only one is set, the account's limit stands for the other.
  return { ratePerSecond: rate ?? 10_000, burst: burst ?? 5_000 }
}
