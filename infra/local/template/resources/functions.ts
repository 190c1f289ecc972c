import * as z from 'zod'
import type { FunctionDefinition } from '../../lambda/function.ts'
import type { Assembly } from '../assembly.ts'
import { TemplateError } from '../errors.ts'
import { number, readProperties } from '../properties.ts'
import type { TemplateScope } from '../scope.ts'

const schema = z.object({
  Code: z.object({ S3Key: z.string() }),
  Handler: z.string(),
  Runtime: z.string().startsWith('nodejs'),
  Timeout: number.default(3),
  MemorySize: number.default(128),
  ReservedConcurrentExecutions: number.optional(),
  Environment: z.object({ Variables: z.record(z.string(), z.coerce.string()).default({}) }).optional(),
})

/**
 * The functions of the stack. Those that only serve CloudFormation as providers of custom resources are left out:
 * there is no CloudFormation here to call them.
 */
export const functionsOf = (scope: TemplateScope, assembly: Assembly): FunctionDefinition[] => {
  const providers = customResourceProviders(assembly)
  return scope
    .resources('AWS::Lambda::Function')
    .filter(([id]) => !providers.has(id))
    .map(([id]) => {
      const path = `Resources.${id}`
      const properties = readProperties(scope, id, schema)
      const folder = assembly.assetFolders.get(properties.Code.S3Key)
      if (folder === undefined) {
        throw new TemplateError(
          'template.unsupported',
          `${path}.Properties.Code`,
          'not an asset of this synthesis',
        )
      }
      return {
        name: String(scope.ref(id, path)),
        arn: String(scope.getAtt(id, 'Arn', path)),
        folder,
        ...(assembly.sourceMaps !== undefined && { sourceMaps: assembly.sourceMaps }),
        handler: properties.Handler,
        timeoutSeconds: properties.Timeout,
        memoryMiB: properties.MemorySize,
        environment: properties.Environment?.Variables ?? {},
        ...(properties.ReservedConcurrentExecutions !== undefined && {
          reservedConcurrency: properties.ReservedConcurrentExecutions,
        }),
      }
    })
}

/** Logical ids that custom resources name in their ServiceToken. */
const customResourceProviders = (assembly: Assembly): Set<string> => {
  const ids = new Set<string>()
  const attribute = z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) })
  for (const resource of Object.values(assembly.template.Resources)) {
    const token = attribute.safeParse(resource.Properties.ServiceToken)
    if (token.success) ids.add(token.data['Fn::GetAtt'][0])
  }
  return ids
}
