import { BillingMode, Table, type TableProps } from 'aws-cdk-lib/aws-dynamodb'
import { RemovalPolicy } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'
import type { Settings } from '../settings.ts'

export type RetainedTableProps = Pick<
  TableProps,
  'partitionKey' | 'sortKey' | 'stream' | 'timeToLiveAttribute'
> & { readonly settings: Settings }

/** What all tables of the bridge have in common: paid by use, restorable to any second, retained where the stage says. */
export class RetainedTable extends Table {
  constructor(scope: Construct, id: string, { settings, ...props }: RetainedTableProps) {
    const { retain } = settings.policy
    super(scope, id, {
      ...props,
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: retain,
      removalPolicy: retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    })
  }
}
