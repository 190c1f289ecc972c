import { type ITable, StreamViewType } from 'aws-cdk-lib/aws-dynamodb'
import { Construct } from 'constructs'
import type { KeySchema } from '../../functions/bridge/drivers/dynamo/key-schema.ts'
import type { Settings } from '../settings.ts'
import { attributeOf } from './key-attribute.ts'
import { outputTableName } from './output.ts'
import { RetainedTable } from './retained-table.ts'

/** What the stack needs to know of a table; the declarations in functions/tables have more. */
export interface TableDescription {
  /** The table's name in this project: TABLES and the stack's outputs have it by this name. */
  readonly name: string
  readonly key: KeySchema
}

/** What the stack needs to know of a table that another one's stream keeps. */
export interface ProjectionDescription extends TableDescription {
  readonly from: { readonly name: string }
}

export interface PlainTableProps extends TableDescription {
  readonly settings: Settings
  /** Whether a function follows its changes. @default false: a stream that nothing reads is left out */
  readonly followed?: boolean
  /** A table that is there already, with a stream of both images where it is followed. @default a new one is made */
  readonly existing?: ITable
}

/** A table without an entity: one that jobs read, or that a projection fills. */
export class PlainTable extends Construct {
  readonly name: string
  readonly table: ITable

  constructor(scope: Construct, id: string, props: PlainTableProps) {
    super(scope, id)
    const { name, key, settings, followed = false, existing } = props
    this.name = name
    this.table =
      existing ??
      new RetainedTable(this, 'Table', {
        settings,
        partitionKey: attributeOf(key.partition),
        ...(key.sort && { sortKey: attributeOf(key.sort) }),
        // The old image has the target's old key, which a change may move the item away from.
        ...(followed && { stream: StreamViewType.NEW_AND_OLD_IMAGES }),
      })
    if (existing === undefined) outputTableName(this, name, this.table)
  }
}
