import { AttributeType, type Table } from 'aws-cdk-lib/aws-dynamodb'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import type { Settings } from '../settings.ts'
import { KeptTable } from './kept-table.ts'

export interface ParkingTableProps {
  readonly settings: Settings
}

/**
 * Where the way back sets aside changes that it can't apply, each with its whole payload: nowhere else would what was
 * acknowledged be found again, so the table outlives the stack where the stage retains, and any second of it can be
 * restored. What is resolved expires after 90 days (`expires`); what is parked never does.
 */
export class ParkingTable extends Construct {
  readonly table: Table

  constructor(scope: Construct, id: string, props: ParkingTableProps) {
    super(scope, id)
    this.table = new KeptTable(this, 'Table', {
      settings: props.settings,
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      timeToLiveAttribute: 'expires',
    })
  }

  /** What a function needs that tells it where to park. */
  get environment(): Readonly<Record<string, string>> {
    return { PARKING_TABLE: this.table.tableName }
  }

  /**
   * Lets the grantee park, resolve and read what is parked. A transaction asks for the rights of its parts, and has
   * none of its own.
   *
   * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
   */
  grantParking(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: [
        'dynamodb:BatchGetItem',
        'dynamodb:Query',
        'dynamodb:PutItem',
        'dynamodb:UpdateItem',
        'dynamodb:DeleteItem',
        'dynamodb:ConditionCheckItem',
      ],
      resourceArns: [this.table.tableArn],
    })
  }
}
