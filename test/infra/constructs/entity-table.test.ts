import { describe, expect, it } from '@jest/globals'
import { Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Stack } from 'aws-cdk-lib/core'
import { EntityTable, onePerTable } from '../../../infra/constructs/entity-table.ts'
import { appWith, settingsWith } from '../fixtures/synthesise.ts'

const entity = { name: 'dish', plural: 'dishes', keyName: 'dishId' }

function build(context: Record<string, unknown> = {}) {
  const stack = new Stack(appWith({}), 'Test')
  const table = new EntityTable(stack, 'Dishes', { entity, settings: settingsWith(context) })
  return { stack, table }
}

describe('EntityTable', () => {
  it("is keyed by the entity's key, a string", () => {
    Template.fromStack(build().stack).hasResourceProperties('AWS::DynamoDB::Table', {
      KeySchema: [{ AttributeName: 'dishId', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'dishId', AttributeType: 'S' }],
      DeletionProtectionEnabled: false,
    })
  })

  it("is keyed as its layout says, and has the layout's name", () => {
    const stack = new Stack(appWith({}), 'Test')
    const shared = { ...entity, item: { table: 'kitchen', keyAttribute: 'pk' } }
    const { name } = new EntityTable(stack, 'Kitchen', { entity: shared, settings: settingsWith() })

    Template.fromStack(stack).hasResourceProperties('AWS::DynamoDB::Table', {
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    })
    expect([name, build().table.name]).toEqual(['kitchen', 'dish'])
  })

  it('is keyed by a number, and has a sort key, where its layout says so', () => {
    const stack = new Stack(appWith({}), 'Test')
    const item = { table: 'pay', keyAttribute: 'empNo', keyType: 'N', sort: { attribute: 'from' } } as const
    new EntityTable(stack, 'Pay', { entity: { ...entity, item }, settings: settingsWith() })

    Template.fromStack(stack).hasResourceProperties('AWS::DynamoDB::Table', {
      KeySchema: [
        { AttributeName: 'empNo', KeyType: 'HASH' },
        { AttributeName: 'from', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'empNo', AttributeType: 'N' },
        { AttributeName: 'from', AttributeType: 'S' },
      ],
    })
  })

  it('is protected where the stage retains', () => {
    const { stack } = build({ stage: 'prod', auth: 'iam' })
    Template.fromStack(stack).hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      Properties: { DeletionProtectionEnabled: true },
    })
  })

  it('removes expired tombstones where one of its entities leaves them', () => {
    const build_ = (tombstones?: 'item') => {
      const stack = new Stack(appWith({}), 'Test')
      const shared = { ...entity, item: { table: 'kitchen', keyAttribute: 'pk' } }
      const other = { ...shared, name: 'pan', ...(tombstones && { tombstones }) }
      new EntityTable(stack, 'Kitchen', {
        entity: shared,
        entities: [entity, shared, other],
        settings: settingsWith(),
      })
      return Template.fromStack(stack).findResources('AWS::DynamoDB::Table')
    }
    const [removing, none] = [build_('item'), build_()].map((tables) => Object.values(tables)[0]?.Properties)

    expect(removing.TimeToLiveSpecification).toEqual({ AttributeName: 'backsync_expires', Enabled: true })
    expect(none).not.toHaveProperty('TimeToLiveSpecification')
  })

  it('grants the five item actions that the modern API uses, on the table alone', () => {
    const { stack, table } = build()
    table.grantItems(new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }))
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: [
          {
            Effect: 'Allow',
            Action: [
              'dynamodb:DeleteItem',
              'dynamodb:GetItem',
              'dynamodb:PutItem',
              'dynamodb:Scan',
              'dynamodb:UpdateItem',
            ],
            Resource: stack.resolve(table.table.tableArn),
          },
        ],
      },
    })
  })
})

describe('entities that share a table', () => {
  const pan = {
    name: 'pan',
    plural: 'pans',
    keyName: 'panId',
    item: { table: 'kitchen', keyAttribute: 'pk' },
  }
  const knife = { ...pan, name: 'knife', plural: 'knives', keyName: 'knifeId' }

  it('are the first of them, beside those that have their own', () => {
    expect(onePerTable([pan, entity, knife])).toEqual([pan, entity])
    expect(onePerTable([])).toEqual([])
  })

  it('are refused when their keys differ', () => {
    const fork = { ...pan, name: 'fork', item: { table: 'kitchen', keyAttribute: 'forkId' } }

    expect(() => onePerTable([pan, fork])).toThrow(
      'pan and fork share the table kitchen, but have the keys pk and forkId',
    )
  })

  it.each([
    ['sort key', { sort: { attribute: 'sk' } }, 'pk and pk + sk'],
    ['type of key', { keyType: 'N' }, 'pk and pk (N)'],
  ] as const)('are refused when one has another %s', (_, other, keys) => {
    const fork = { ...pan, name: 'fork', item: { ...pan.item, ...other } }

    expect(() => onePerTable([pan, fork])).toThrow(`but have the keys ${keys}`)
  })

  it('may share the one that is named after the first', () => {
    const spoon = { ...entity, name: 'spoon', item: { table: 'dish', keyAttribute: 'dishId' } }

    expect(onePerTable([entity, spoon])).toEqual([entity])
  })
})
