import { AttributeType, type Table } from 'aws-cdk-lib/aws-dynamodb'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { tombstoneTable } from '../../functions/bridge/tables/tombstones.ts'
import type { Settings } from '../settings.ts'
import { KeptTable } from './kept-table.ts'

export interface TombstonesTableProps {
  readonly settings: Settings
}

/**
 * Where projections note at which version a key was deleted, so that a scan that read the item before can't bring it
 * back. Each is kept for longer than the longest backfill (`expires`).
 */
export class TombstonesTable extends Construct {
  readonly table: Table

  constructor(scope: Construct, id: string, props: TombstonesTableProps) {
    super(scope, id)
    this.table = new KeptTable(this, 'Table', {
      settings: props.settings,
      partitionKey: { name: tombstoneTable.key, type: AttributeType.STRING },
      timeToLiveAttribute: tombstoneTable.expiry,
    })
  }

  /** What a function needs that tells it where the tombstones are. */
  get environment(): Readonly<Record<string, string>> {
    return { TOMBSTONES_TABLE: this.table.tableName }
  }

  /** Lets the grantee read tombstones, and write and check them in the transaction that writes an item. */
  grantTombstones(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:ConditionCheckItem'],
      resourceArns: [this.table.tableArn],
    })
  }
}
