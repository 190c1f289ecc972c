import { describe, expect, it, jest } from '@jest/globals'
import { Validations } from 'aws-cdk-lib/core'
import { AwsSolutionsChecks } from 'cdk-nag'
import { deployments, synthesise, twoEntities } from './fixtures/synthesise.ts'

/** `rule at construct` for everything that the AwsSolutions pack finds in the stack. */
function findingsIn(context: Readonly<Record<string, unknown>>, entities = twoEntities): string[] {
  const { app } = synthesise(context, entities)
  const { violations } = new AwsSolutionsChecks(app, { verbose: true }).validateScope(app)
  return violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => `${ruleName} at ${constructPath}`),
  )
}

describe.each(deployments)("cdk-nag's AwsSolutions pack over %s", (_, context) => {
  it('finds nothing that is not acknowledged', () => {
    expect(findingsIn(context)).toEqual([])
  })

  it('finds nothing where entities are mirrored, either', () => {
    const mirrored = twoEntities.map((entity) => ({ ...entity, mirror: {} }))
    expect(findingsIn(context, mirrored)).toEqual([])
  })

  it('finds nothing where a function runs statements beside the database, either', () => {
    expect(findingsIn({ ...context, statementRunner: 'on' })).toEqual([])
  })

  it('needs every acknowledgement, and each gives a reason', () => {
    const acknowledged: { id: string; reason: string }[] = []
    const acknowledge = jest
      .spyOn(Validations.prototype, 'acknowledge')
      .mockImplementation((...rules) => void acknowledged.push(...rules))
    try {
      const found = new Set(findingsIn(context).map((finding) => finding.split(' at ')[0]))
      // The CDK acknowledges rules of other packs by itself.
      const ours = acknowledged.filter(({ id }) => id.startsWith('AwsSolutions-'))
      expect([...new Set(ours.map(({ id }) => id))].sort()).toEqual([...found].sort())
      for (const { reason } of ours) expect(reason.length).toBeGreaterThan(40)
    } finally {
      acknowledge.mockRestore()
    }
  })
})
