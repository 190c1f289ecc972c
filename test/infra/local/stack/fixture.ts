import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Functions of a cloud assembly: by logical id, the source of `index.mjs` and properties over the defaults. */
export type FixtureFunction = { readonly source: string; readonly properties?: Record<string, unknown> }

export type Fixture = {
  readonly functions: Record<string, FixtureFunction>
  readonly resources?: Record<string, unknown>
  readonly outputs?: Record<string, unknown>
}

/** What `Fn::Sub` replaces. */
export const placeholder = (name: string): string => `\${${name}}`

/** Writes a cloud assembly as a CDK synthesis would, and returns its folder. */
export const writeAssembly = async (folder: string, fixture: Fixture): Promise<string> => {
  const files: Record<string, unknown> = {}
  const resources: Record<string, unknown> = { ...fixture.resources }
  for (const [id, { source, properties }] of Object.entries(fixture.functions)) {
    await mkdir(join(folder, `asset.${id}`), { recursive: true })
    await writeFile(join(folder, `asset.${id}`, 'index.mjs'), source)
    files[id] = {
      source: { path: `asset.${id}`, packaging: 'zip' },
      destinations: { here: { objectKey: `${id}.zip` } },
    }
    resources[id] = {
      Type: 'AWS::Lambda::Function',
      Properties: {
        Code: {
          S3Bucket: { 'Fn::Sub': `assets-${placeholder('AWS::AccountId')}-${placeholder('AWS::Region')}` },
          S3Key: `${id}.zip`,
        },
        Handler: 'index.handler',
        Runtime: 'nodejs24.x',
        Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
        ...properties,
      },
    }
  }
  resources.Role ??= { Type: 'AWS::IAM::Role', Properties: {} }
  await writeFile(
    join(folder, 'manifest.json'),
    JSON.stringify({
      artifacts: {
        Fixture: { type: 'aws:cloudformation:stack', properties: { templateFile: 'Fixture.template.json' } },
      },
    }),
  )
  await writeFile(
    join(folder, 'Fixture.template.json'),
    JSON.stringify({ Resources: resources, Outputs: fixture.outputs ?? {} }),
  )
  await writeFile(join(folder, 'Fixture.assets.json'), JSON.stringify({ files }))
  return folder
}

/** A route to a function with its integration. */
export const route = (id: string, routeKey: string, functionId: string): Record<string, unknown> => ({
  [`${id}Integration`]: {
    Type: 'AWS::ApiGatewayV2::Integration',
    Properties: {
      ApiId: { Ref: 'Api' },
      IntegrationType: 'AWS_PROXY',
      IntegrationUri: { 'Fn::GetAtt': [functionId, 'Arn'] },
      PayloadFormatVersion: '2.0',
    },
  },
  [id]: {
    Type: 'AWS::ApiGatewayV2::Route',
    Properties: {
      ApiId: { Ref: 'Api' },
      AuthorizationType: 'NONE',
      RouteKey: routeKey,
      Target: { 'Fn::Join': ['', ['integrations/', { Ref: `${id}Integration` }]] },
    },
  },
})

/** An HTTP API with its stage. */
export const api = (): Record<string, unknown> => ({
  Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'Api', ProtocolType: 'HTTP' } },
  Stage: {
    Type: 'AWS::ApiGatewayV2::Stage',
    Properties: { ApiId: { Ref: 'Api' }, AutoDeploy: true, StageName: '$default' },
  },
})
