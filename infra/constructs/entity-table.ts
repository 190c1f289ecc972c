import { StreamViewType, type Table } from 'aws-cdk-lib/aws-dynamodb'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { type KeySchema, keyAttributes } from '../../functions/bridge/drivers/dynamo/key-schema.ts'
import { RECORD } from '../../functions/bridge/dynamo/authority.ts'
import type { Settings } from '../settings.ts'
import { attributeOf } from './key-attribute.ts'
import { outputTableName } from './output.ts'
import { RetainedTable } from './retained-table.ts'

/** What the stack needs to know of an entity; the definitions in functions/entities have more. */
export interface EntityDescription {
  /** Singular, such as `chef`. */
  readonly name: string
  /** The path segment of its collection, where it has no paths of its own, such as `chefs`. */
  readonly plural: string
  /** The attribute that identifies an item, such as `chefId`. */
  readonly keyName: string
  /**
   * Where its items are: the table's name in this project, which several entities may share, and its primary key.
   *
   * @default a table named after the entity, with `keyName` as its key
   */
  readonly item?: {
    readonly table: string
    readonly keyAttribute: string
    /** @default 'S' */
    readonly keyType?: 'S' | 'N'
    /** @default no sort key */
    readonly sort?: { readonly attribute: string; readonly type?: 'S' | 'N' }
  }
  /** There where what is written in Aurora is carried over to its table. @default it isn't */
  readonly mirror?: unknown
  /**
   * The paths of its collection on both sides, and of its facade.
   *
   * @default '/aurora/{plural}' and '/dynamo/{plural}', and '/{plural}' where that is nobody's path
   */
  readonly paths?: { readonly legacy?: string; readonly modern?: string; readonly facade?: string }
  /**
   * What becomes of an item that is current and below what Aurora holds: it is raised above that, or listed.
   *
   * @default as in a definition: lift, and park where the stream makes the versions
   */
  readonly overruled?: 'lift' | 'park'
  /** Where versions come from. @default 'counted' */
  readonly versions?: 'counted' | 'stream'
  /**
   * What a delete leaves in its table: with `item`, tombstones, which DynamoDB removes once they have expired.
   *
   * @default moved: nothing, but of keys that have changed hands
   */
  readonly tombstones?: 'moved' | 'item'
  /** Functions of a team's own that serve a side of it to the facade. @default none */
  readonly sides?: { readonly [side in 'aurora' | 'dynamo']?: { readonly functionArn: string } }
  /** Nothing of it is left in Aurora: its table stays, with what serves it, and nothing else. @default false */
  readonly retired?: boolean
  /** Set where a function of a team's own writes it to Aurora. */
  readonly legacyFunction?: LegacyFunctionDescription
  /** A valid body, for people and for commands to paste. */
  readonly example?: Readonly<Record<string, unknown>>
}

/** The function that makes an entity's writes in Aurora: one that is deployed already, or a module to deploy. */
export interface LegacyFunctionDescription {
  readonly functionArn?: string
  /** Its path below the repository. */
  readonly module?: string
  /** In seconds, of a module's function. */
  readonly timeout: number
}

export interface EntityTableProps {
  readonly entity: EntityDescription
  /** All entities, of any table: it has what those need that share it. @default the entity alone */
  readonly entities?: readonly EntityDescription[]
  readonly settings: Settings
}

/** The DynamoDB table of an entity, or of several that share it, with the stream that feeds the way back to Aurora. */
export class EntityTable extends Construct {
  /** The table's name in this project: TABLES has it by this name. */
  readonly name: string
  /** The entity that it was made for; others may share it. */
  readonly entity: EntityDescription
  readonly table: Table

  constructor(scope: Construct, id: string, props: EntityTableProps) {
    super(scope, id)
    const { name, key } = layoutOf(props.entity)
    const own = (props.entities ?? [props.entity]).filter((entity) => layoutOf(entity).name === name)
    this.entity = props.entity
    this.name = name
    this.table = new RetainedTable(this, 'Table', {
      settings: props.settings,
      partitionKey: attributeOf(key.partition),
      ...(key.sort && { sortKey: attributeOf(key.sort) }),
      ...(own.some(({ tombstones }) => tombstones === 'item') && { timeToLiveAttribute: RECORD.expires }),
      // The old image is needed for deletes and for changes that must know what they replace.
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
    })
    outputTableName(this, name, this.table)
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

  /** Lets the grantee write what Aurora holds: items, new ones many at once, and tombstones without what others had put into them. */
  grantMirror(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['dynamodb:GetItem', 'dynamodb:PartiQLInsert', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
      resourceArns: [this.table.tableArn],
    })
  }

  /** Lets the grantee fill it with what Aurora holds: it looks first what is there already. */
  grantMirrorFill(grantee: IGrantable): Grant {
    this.grantMirror(grantee)
    return Grant.addToPrincipal({
      grantee,
      actions: ['dynamodb:BatchGetItem'],
      resourceArns: [this.table.tableArn],
    })
  }

  /** Lets the grantee read single items: a parked key's current one is what is applied in the end. */
  grantGet(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['dynamodb:GetItem'],
      resourceArns: [this.table.tableArn],
    })
  }

  /**
   * Lets the grantee raise the versions of items, if it has to for one of these entities whose items the table has.
   *
   * @param entities those of any table
   */
  grantLift(grantee: IGrantable, entities: readonly EntityDescription[]): void {
    const own = entities.filter((entity) => layoutOf(entity).name === this.name)
    if (
      own.every(({ versions, overruled = versions === 'stream' ? 'park' : 'lift' }) => overruled === 'park')
    )
      return
    Grant.addToPrincipal({
      grantee,
      actions: ['dynamodb:UpdateItem'],
      resourceArns: [this.table.tableArn],
    })
  }
}

const layoutOf = ({ name, keyName, item }: EntityDescription): { name: string; key: KeySchema } => {
  const { table = name, keyAttribute = keyName, keyType: type = 'S', sort } = item ?? {}
  return {
    name: table,
    key: {
      partition: { name: keyAttribute, type },
      ...(sort && { sort: { name: sort.attribute, type: sort.type ?? 'S' } }),
    },
  }
}

/** Those of some tables that have items of one of these entities. */
export const tablesOf = (
  tables: readonly EntityTable[],
  entities: readonly EntityDescription[],
): readonly EntityTable[] => {
  const names = new Set(entities.map((entity) => layoutOf(entity).name))
  return tables.filter(({ name }) => names.has(name))
}

/**
 * One entity for each table: the first of those that share it.
 *
 * @throws TypeError when entities that share a table name different keys for it
 */
export function onePerTable(entities: readonly EntityDescription[]): EntityDescription[] {
  const first = new Map<string, EntityDescription>()
  for (const entity of entities) {
    const { name, key } = layoutOf(entity)
    const other = first.get(name) ?? entity
    const [mine, theirs] = [describe(key), describe(layoutOf(other).key)]
    if (theirs !== mine)
      throw new TypeError(
        `${other.name} and ${entity.name} share the table ${name}, but have the keys ${theirs} and ${mine}`,
      )
    first.set(name, other)
  }
  return [...first.values()]
}

/** A key in words; a text attribute is its name alone. */
const describe = (key: KeySchema): string =>
  keyAttributes(key)
    .map(({ name, type }) => (type === 'S' ? name : `${name} (${type})`))
    .join(' + ')
