import { AttributeType, type Table } from 'aws-cdk-lib/aws-dynamodb'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { recordTable } from '../../functions/bridge/dynamo/idempotency-table.ts'
import type { Settings } from '../settings.ts'
import { KeptTable } from './kept-table.ts'

export interface IdempotencyTableProps {
  readonly settings: Settings
}

/**
 * Where the modern side keeps the first answers to requests with an Idempotency-Key, each for a week. It can be
 * restored like the entities' tables: a repeat that finds no record would make a second entity.
 */
export class IdempotencyTable extends Construct {
  readonly table: Table

  constructor(scope: Construct, id: string, props: IdempotencyTableProps) {
    super(scope, id)
    this.table = new KeptTable(this, 'Table', {
      settings: props.settings,
      partitionKey: { name: recordTable.key, type: AttributeType.STRING },
      timeToLiveAttribute: recordTable.expiry,
    })
  }

  /** What a function needs that tells it where the records are. */
  get environment(): Readonly<Record<string, string>> {
    return { IDEMPOTENCY_TABLE: this.table.tableName }
  }

  /**
   * Lets the grantee put records, in a transaction with the item that they are about. The record that stands against
   * one comes with the refusal, so nothing needs to be read.
   *
   * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
   */
  grantPut(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['dynamodb:PutItem'],
      resourceArns: [this.table.tableArn],
    })
  }
}
