import { AttributeType, type Table } from 'aws-cdk-lib/aws-dynamodb'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import type { StateTableKeys } from '../../functions/bridge/drivers/dynamo/state-table.ts'
import { recordTable } from '../../functions/bridge/dynamo/idempotency-table.ts'
import { jobsTable } from '../../functions/bridge/jobs/job-settings.ts'
import { parkingTable } from '../../functions/bridge/parking/keys.ts'
import { routeTable } from '../../functions/bridge/routes/route-table.ts'
import { tombstoneTable } from '../../functions/bridge/tables/tombstones.ts'
import type { Settings } from '../settings.ts'
import { output } from './output.ts'
import { RetainedTable } from './retained-table.ts'

type Description = {
  readonly keys: StateTableKeys
  /** The stack's output that has its name, where commands work with it. */
  readonly output?: { readonly id: string; readonly description: string }
}

/** Backsync's own tables, by the setting that tells a function where each is. */
const stateTables = {
  /**
   * Where the modern side keeps the first answers to requests with an Idempotency-Key, each for a week. It can be
   * restored like the entities' tables: a repeat that finds no record would make a second entity.
   */
  IDEMPOTENCY_TABLE: { keys: recordTable },
  /**
   * Where changes are set aside that can't be applied, each with its whole payload: nowhere else would what was
   * acknowledged be found again, so the table outlives the stack where the stage retains, and any second of it can be
   * restored. What is resolved expires after 90 days; what is parked never does.
   */
  PARKING_TABLE: {
    keys: parkingTable,
    output: { id: 'ParkingTableName', description: 'The DynamoDB table of changes that have been set aside' },
  },
  /**
   * Where jobs note how far they have come, segment by segment, and who is at work on them; and where it stands that a
   * projection is followed or finished. What has long ended expires.
   */
  JOBS_TABLE: {
    keys: jobsTable,
    output: { id: 'JobsTableName', description: 'The DynamoDB table of jobs and their progress' },
  },
  /**
   * Where each entity's route stands, with its moves so far: one item an entity. Keys say themselves whose they are, so nothing
   * is lost with it but where they were to go.
   */
  ROUTES_TABLE: {
    keys: routeTable,
    output: { id: 'RoutesTableName', description: 'The DynamoDB table of where routes stand' },
  },
  /**
   * Where projections note at which version a key was deleted, so that a scan that read the item before can't bring it
   * back. Each is kept for longer than the longest backfill.
   */
  TOMBSTONES_TABLE: {
    keys: tombstoneTable,
    output: {
      id: 'TombstonesTableName',
      description: 'The DynamoDB table of keys that projections have deleted',
    },
  },
} as const satisfies Record<string, Description>

export interface StateTableProps {
  readonly settings: Settings
  /** Which of them it is, by its setting. */
  readonly setting: keyof typeof stateTables
}

/** One of Backsync's own tables, with the keys that the code declares. Who may do what with it, its users say. */
export class StateTable extends Construct {
  readonly table: Table
  readonly #setting: string

  constructor(scope: Construct, id: string, { settings, setting }: StateTableProps) {
    super(scope, id)
    const { keys, output: named }: Description = stateTables[setting]
    this.#setting = setting
    this.table = new RetainedTable(this, 'Table', {
      settings,
      partitionKey: { name: keys.partition, type: AttributeType.STRING },
      ...(keys.sort !== undefined && { sortKey: { name: keys.sort, type: AttributeType.STRING } }),
      timeToLiveAttribute: keys.expiry,
    })
    if (named) output(this, named.id, this.table.tableName, named.description)
  }

  /** What a function needs that tells it where the table is. */
  get environment(): Readonly<Record<string, string>> {
    return { [this.#setting]: this.table.tableName }
  }

  /** Lets the grantee do this with items, and no more. A transaction asks for the rights of its parts. */
  grant(grantee: IGrantable, operations: readonly string[]): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: operations.map((operation) => `dynamodb:${operation}`),
      resourceArns: [this.table.tableArn],
    })
  }
}
