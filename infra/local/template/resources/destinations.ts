import { join } from 'node:path'
import { type FailureDestination, failureDestination } from '../../failures/destination.ts'
import { TemplateError } from '../errors.ts'
import type { TemplateScope } from '../scope.ts'

/** The folders of the stack's buckets, by the buckets' names: what S3 has here. */
export const bucketsOf = (scope: TemplateScope, folder: string): Map<string, string> =>
  new Map(
    scope.resources('AWS::S3::Bucket').map(([id]) => {
      const name = String(scope.ref(id, `Resources.${id}`))
      return [name, join(folder, name)]
    }),
  )

/** The buckets and queues of the stack, by ARN, as places for what mappings give up. */
export const destinationsOf = (scope: TemplateScope, folder: string): Map<string, FailureDestination> => {
  const destinations = new Map<string, FailureDestination>()
  for (const [id, { Type }] of scope.resources('AWS::S3::Bucket', 'AWS::SQS::Queue')) {
    const arn = String(scope.getAtt(id, 'Arn', `Resources.${id}`))
    const name = arn.split(':').at(-1) ?? id
    const kind = Type === 'AWS::S3::Bucket' ? 'bucket' : 'queue'
    destinations.set(arn, failureDestination(kind, name, join(folder, name)))
  }
  return destinations
}

/** @throws TemplateError when a mapping names a destination that the stack does not have */
export const destinationOf = (
  destinations: ReadonlyMap<string, FailureDestination>,
  mapping: { readonly logicalId: string; readonly destinationArn?: string },
): FailureDestination | undefined => {
  if (mapping.destinationArn === undefined) return undefined
  const found = destinations.get(mapping.destinationArn)
  if (found) return found
  const path = `Resources.${mapping.logicalId}.Properties.DestinationConfig`
  throw new TemplateError(
    'template.unsupported',
    path,
    `${mapping.destinationArn} is no bucket or queue of this stack`,
  )
}
