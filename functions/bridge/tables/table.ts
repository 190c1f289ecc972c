/** The types that a key attribute can have in DynamoDB. */
export type KeyType = 'S' | 'N' | 'B'
export type KeyAttribute = { readonly name: string; readonly type: KeyType }
export type KeySchema = { readonly partition: KeyAttribute; readonly sort?: KeyAttribute }

/** How an author names a key: a name alone is a text attribute. */
export type KeyDefinition = {
  readonly partition: string | KeyAttribute
  readonly sort?: string | KeyAttribute
}

export type TableDefinition = {
  /** Its name in this project, such as `users`: TABLES and the stack's outputs have it by this name. */
  readonly name: string
  readonly key: KeyDefinition
  /**
   * Where versions come from: `counted` by every writer in the attribute `version`, or taken from the `stream`'s own
   * records, for a table whose writers keep none. @default 'stream'
   */
  readonly versions?: 'counted' | 'stream'
}

/** A DynamoDB table that jobs read. */
export type Table = {
  readonly name: string
  readonly key: KeySchema
  readonly versions: 'counted' | 'stream'
}

const NAME = /^[a-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*$/

/** @throws TypeError for a name that no output of a stack could have, and for a key that names one attribute twice */
export const defineTable = ({ name, key, versions = 'stream' }: TableDefinition): Table => ({
  name: tableName(name),
  key: keySchema(key, name),
  versions,
})

/** @throws TypeError */
export const tableName = (name: string): string => {
  if (NAME.test(name)) return name
  throw new TypeError(`"${name}" can't be a table's name here: letters and digits, joined by single dashes`)
}

/** @throws TypeError when sort and partition key are one attribute */
export const keySchema = ({ partition, sort }: KeyDefinition, table: string): KeySchema => {
  const schema: KeySchema = {
    partition: keyAttribute(partition),
    ...(sort !== undefined && { sort: keyAttribute(sort) }),
  }
  if (schema.sort?.name === schema.partition.name)
    throw new TypeError(`${table}: ${schema.partition.name} can't be partition and sort key at once`)
  return schema
}

const keyAttribute = (attribute: string | KeyAttribute): KeyAttribute =>
  typeof attribute === 'string' ? { name: attribute, type: 'S' } : attribute

/** The attributes of a key, partition key first. */
export const keyAttributes = ({ partition, sort }: KeySchema): readonly KeyAttribute[] =>
  sort === undefined ? [partition] : [partition, sort]
