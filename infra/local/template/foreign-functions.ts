import * as z from 'zod'
import type { FunctionRegistry } from '../lambda/registry.ts'
import type { Assembly } from './assembly.ts'

const oneOrMore = z.union([z.unknown().array(), z.unknown().transform((one) => [one])])
const policy = z.object({
  PolicyDocument: z.object({ Statement: z.array(z.object({ Action: oneOrMore, Resource: oneOrMore })) }),
})

/** The functions that the stack may invoke and that are not its own, by their ARNs: there is nothing here to run. */
export const foreignFunctions = (assembly: Assembly, functions: FunctionRegistry): string[] => {
  const known = new Set(functions.list().map(({ definition: { arn } }) => arn))
  const arns = Object.values(assembly.template.Resources).flatMap(({ Type, Properties }) => {
    const read = Type === 'AWS::IAM::Policy' ? policy.safeParse(Properties).data : undefined
    return (read?.PolicyDocument.Statement ?? []).flatMap(({ Action, Resource }) =>
      Action.includes('lambda:InvokeFunction') ? Resource.filter((one) => typeof one === 'string') : [],
    )
  })
  return [...new Set(arns)].filter((arn) => !known.has(arn)).sort()
}
