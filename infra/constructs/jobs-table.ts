import { AttributeType, type Table } from 'aws-cdk-lib/aws-dynamodb'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { jobsTable } from '../../functions/bridge/jobs/job-settings.ts'
import type { Settings } from '../settings.ts'
import { KeptTable } from './kept-table.ts'

export interface JobsTableProps {
  readonly settings: Settings
}

/**
 * Where jobs note how far they have come, segment by segment, and who is at work on them; and where it stands that a
 * projection is followed or finished. What has long ended expires (`expires`).
 */
export class JobsTable extends Construct {
  readonly table: Table

  constructor(scope: Construct, id: string, props: JobsTableProps) {
    super(scope, id)
    this.table = new KeptTable(this, 'Table', {
      settings: props.settings,
      partitionKey: { name: jobsTable.partition, type: AttributeType.STRING },
      sortKey: { name: jobsTable.sort, type: AttributeType.STRING },
      timeToLiveAttribute: jobsTable.expiry,
    })
  }

  /** What a function needs that tells it where the jobs are. */
  get environment(): Readonly<Record<string, string>> {
    return { JOBS_TABLE: this.table.tableName }
  }

  /** Lets the grantee take jobs, note their progress and read it. Not list them. */
  grantJobs(grantee: IGrantable): Grant {
    return this.#grant(grantee, [
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
      'dynamodb:Query',
    ])
  }

  /** Lets the grantee read where projections stand, and note it. */
  grantStates(grantee: IGrantable): Grant {
    return this.#grant(grantee, ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:UpdateItem'])
  }

  #grant(grantee: IGrantable, actions: string[]): Grant {
    return Grant.addToPrincipal({ grantee, actions, resourceArns: [this.table.tableArn] })
  }
}
