import { Grant } from 'aws-cdk-lib/aws-iam'
import type { BridgeFunction } from './bridge-function.ts'
import type { EntityDescription } from './entity-table.ts'

const arnsOf = (entities: readonly EntityDescription[]): readonly string[] => [
  ...new Set(
    entities.flatMap(({ sides = {} }) =>
      [sides.aurora, sides.dynamo].flatMap((of) => (of === undefined ? [] : [of.functionArn])),
    ),
  ),
]

/** Whether functions of a team's own serve a side of any of some entities. */
export const haveSides = (entities: readonly EntityDescription[]): boolean => arnsOf(entities).length > 0

/** Lets the facade call those functions, of an alias that alone, and of a function its latest version alone; and says which. */
export const grantSides = (entities: readonly EntityDescription[], facade: BridgeFunction): void => {
  if (!haveSides(entities)) return
  facade.addEnvironment('SIDE_FUNCTIONS', arnsOf(entities).join(','))
  Grant.addToPrincipal({
    grantee: facade,
    actions: ['lambda:InvokeFunction'],
    resourceArns: [...arnsOf(entities)],
  })
}
