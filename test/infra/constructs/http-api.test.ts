import { describe, expect, it } from '@jest/globals'
import { Match } from 'aws-cdk-lib/assertions'
import { resourceOf, synthesise, templateOf, twoEntities } from '../fixtures/synthesise.ts'

/** The logical id of the function that serves a route. */
function functionBehind(template: ReturnType<typeof synthesise>['template'], routeKey: string): string {
  const [route] = Object.values(
    template.findResources('AWS::ApiGatewayV2::Route', { Properties: { RouteKey: routeKey } }),
  )
  const integrationId: string = route?.Properties.Target['Fn::Join'][1][1].Ref
  const integration = template.findResources('AWS::ApiGatewayV2::Integration')[integrationId]
  expect(integration?.Properties).toMatchObject({ IntegrationType: 'AWS_PROXY', PayloadFormatVersion: '2.0' })
  return integration?.Properties.IntegrationUri['Fn::GetAtt'][0]
}

describe('HttpApi', () => {
  const template = templateOf()

  it.each([
    ['ANY /aurora', 'MigrationsMigrate'],
    ['ANY /aurora/dishes', 'LegacyApi'],
    ['ANY /aurora/dishes/{dishId}', 'LegacyApi'],
    ['ANY /dynamo/dishes', 'ModernApi'],
    ['ANY /dynamo/dishes/{dishId}', 'ModernApi'],
    ['ANY /aurora/recipe-steps/{stepKey}', 'LegacyApi'],
    ['ANY /dynamo/recipe-steps', 'ModernApi'],
    ['ANY /aurora/{slash+}', 'MigrationsMigrate'],
    ['ANY /aurora/{entities}/{slash+}', 'LegacyApi'],
    ['ANY /dynamo/{entities}/{slash+}', 'ModernApi'],
    ['ANY /dishes', 'FacadeFunction'],
    ['ANY /dishes/{dishId}', 'FacadeFunction'],
    ['ANY /dishes/{slash+}', 'FacadeFunction'],
    ['ANY /recipe-steps/{stepKey}', 'FacadeFunction'],
    ['ANY /greetings', 'Greeter'],
    ['ANY /greetings/{slash+}', 'Greeter'],
    ['ANY /greetings/{name}/{slash+}', 'Greeter'],
    ['ANY /greetings/{name}', 'Greeter'],
  ])('serves %s by %s', (routeKey, id) => {
    expect(functionBehind(template, routeKey)).toBe(resourceOf(template, 'AWS::Lambda::Function', id).id)
  })

  it('may invoke each function from its own routes only', () => {
    const permissions = Object.values(template.findResources('AWS::Lambda::Permission')).filter(
      ({ Properties }) => Properties.Principal !== 'events.amazonaws.com',
    )
    expect(permissions).toHaveLength(22)
    for (const { Properties } of permissions) {
      expect(Properties).toMatchObject({
        Action: 'lambda:InvokeFunction',
        Principal: 'apigateway.amazonaws.com',
        SourceArn: {
          'Fn::Join': [
            '',
            expect.arrayContaining([
              expect.stringMatching(/^\/\*\/\*\/(aurora|dynamo|greetings|dishes|recipe-steps)/),
            ]),
          ],
        },
      })
    }
  })

  describe('where an entity has paths of its own', () => {
    const [dish = { name: '', plural: '', keyName: '' }, ...others] = twoEntities
    const own = { ...dish, keyName: 'dish_id', paths: { legacy: '/v1/order-items', modern: '/v2/items' } }

    it('serves these, with a slash at their ends too, and not those of its plural', () => {
      const { template: of } = synthesise({}, [own, ...others])
      for (const [routeKey, id] of [
        ['ANY /v1/order-items', 'LegacyApi'],
        ['ANY /v1/order-items/{dish_id}', 'LegacyApi'],
        ['ANY /v1/order-items/{slash+}', 'LegacyApi'],
        ['ANY /v2/items', 'ModernApi'],
        ['ANY /v2/items/{dish_id}', 'ModernApi'],
        ['ANY /v2/items/{slash+}', 'ModernApi'],
        ['ANY /aurora/recipe-steps', 'LegacyApi'],
      ] as const)
        expect(functionBehind(of, routeKey)).toBe(resourceOf(of, 'AWS::Lambda::Function', id).id)
      const keys = Object.values(of.findResources('AWS::ApiGatewayV2::Route')).map(
        ({ Properties }): string => Properties.RouteKey,
      )
      expect(keys.filter((key) => /(aurora|dynamo).dishes/.test(key))).toEqual([])
      expect(of.toJSON().Outputs.AuroraDishesUrl.Value['Fn::Join'][1].at(-1)).toMatch(/\/v1\/order-items$/)
    })

    it('serves its facade where it says, and nowhere by itself where clients have another path', () => {
      const chosen = { ...own, paths: { ...own.paths, facade: '/shop/dishes' } }
      const taken = { name: 'x', plural: 'items', keyName: 'x', paths: { legacy: '/items/all' } }
      const { template: of } = synthesise({}, [chosen, taken])
      const facade = resourceOf(of, 'AWS::Lambda::Function', 'FacadeFunction').id
      for (const routeKey of ['ANY /shop/dishes', 'ANY /shop/dishes/{dish_id}', 'ANY /shop/dishes/{slash+}'])
        expect(functionBehind(of, routeKey)).toBe(facade)
      const keys = Object.values(of.findResources('AWS::ApiGatewayV2::Route')).map(
        ({ Properties }): string => Properties.RouteKey,
      )
      expect(keys.filter((key) => /ANY .(dishes|items)/.test(key))).toEqual([
        ...['ANY /items/all', 'ANY /items/all/{x}', 'ANY /items/all/{slash+}'],
      ])
      expect(of.toJSON().Outputs).not.toHaveProperty('ItemsUrl')
    })

    it.each([
      [
        'another entity',
        { ...others[0], name: 'x', plural: 'x', keyName: 'x', paths: { modern: '/v2/items' } },
      ],
      [
        'another entity, below it',
        { name: 'x', plural: 'x', keyName: 'x', paths: { modern: '/v2/items/x' } },
      ],
    ])('refuses one of %s', (_, other) => {
      expect(() => synthesise({}, [own, other])).toThrow(/can't both be/)
    })

    it('refuses one of a route that a team has added', () => {
      expect(() => synthesise({}, [{ ...own, paths: { modern: '/greetings' } }])).toThrow()
    })
  })

  it('is its own root: the default stage adds nothing to the path', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', { StageName: '$default', AutoDeploy: true })
  })

  it('logs each request as one JSON object, without query, header or body', () => {
    const { Format } = resourceOf(template, 'AWS::ApiGatewayV2::Stage', 'HttpApi').properties
      .AccessLogSettings
    const fields: Record<string, string> = JSON.parse(Format)
    expect(fields).toMatchObject({ route: '$context.routeKey', status: '$context.status' })
    for (const variable of Object.values(fields)) expect(variable).toMatch(/^\$context\.[\w.]+$/)
  })

  it('asks for a signature with auth=iam', () => {
    const iam = templateOf({ auth: 'iam' })
    iam.allResourcesProperties('AWS::ApiGatewayV2::Route', { AuthorizationType: 'AWS_IAM' })
    iam.resourceCountIs('AWS::ApiGatewayV2::Authorizer', 0)
  })

  it('asks for a token of the issuer, for one of the audiences, with auth=jwt', () => {
    const jwt = synthesise({
      auth: 'jwt',
      jwtIssuer: 'https://issuer.example',
      jwtAudience: 'web,phone',
    }).template
    jwt.hasResourceProperties('AWS::ApiGatewayV2::Authorizer', {
      AuthorizerType: 'JWT',
      IdentitySource: ['$request.header.Authorization'],
      JwtConfiguration: { Issuer: 'https://issuer.example', Audience: ['web', 'phone'] },
    })
    jwt.allResourcesProperties('AWS::ApiGatewayV2::Route', {
      AuthorizationType: 'JWT',
      AuthorizerId: { Ref: Match.anyValue() },
    })
  })
})

describe('the usage of each route, in its metadata', () => {
  const template = templateOf()
  const usageOf = (routeKey: string): unknown => {
    const routes = template.findResources('AWS::ApiGatewayV2::Route', { Properties: { RouteKey: routeKey } })
    return Object.values(routes)[0]?.Metadata?.['Backsync::Usage']
  }

  it.each([
    ['ANY /aurora', ['GET']],
    ['ANY /aurora/dishes', ['GET', 'POST']],
    ['ANY /dynamo/dishes/{dishId}', ['GET', 'PUT', 'DELETE']],
    ['ANY /greetings', ['GET', 'POST']],
    ['ANY /greetings/{name}', ['DELETE']],
  ])('%s serves %j', (routeKey, methods) => {
    expect(usageOf(routeKey)).toMatchObject({ methods })
  })
})
