import { AttributeType, BillingMode, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import { RemovalPolicy } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Settings } from '../settings.ts'

/** What the stack needs to know of an entity; the definitions in functions/entities have more. */
export interface EntityDescription {
  /** Singular, such as `chef`. */
  readonly name: string
  /** The path segment of its collection, such as `chefs`. */
  readonly plural: string
  /** The attribute that identifies an item, such as `chefId`. */
  readonly keyName: string
  /** A valid body, for people and for commands to paste. */
  readonly example?: Readonly<Record<string, unknown>>
}

export interface EntityTableProps {
  readonly entity: EntityDescription
  readonly settings: Settings
}

/** The DynamoDB table of one entity, with the stream that feeds the way back to Aurora. */
export class EntityTable extends Construct {
  readonly entity: EntityDescription
  readonly table: Table

  constructor(scope: Construct, id: string, props: EntityTableProps) {
    super(scope, id)
    const { policy } = props.settings
    this.entity = props.entity
    this.table = new Table(this, 'Table', {
      partitionKey: { name: props.entity.keyName, type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      // The old image is needed for deletes and for changes that must know what they replace.
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: policy.retain,
      removalPolicy: policy.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    })
  }

  /** Lets the grantee read, write and list items. Not the stream, and no other table operation. */
  grantItems(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: [
        'dynamodb:GetItem',
        'dynamodb:PutItem',
        'dynamodb:UpdateItem',
        'dynamodb:DeleteItem',
        'dynamodb:Scan',
      ],
      resourceArns: [this.table.tableArn],
    })
  }
}
