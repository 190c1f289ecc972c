/** The types that a key attribute can have in DynamoDB. */
export type KeyType = 'S' | 'N' | 'B'
export type KeyAttribute = { readonly name: string; readonly type: KeyType }
export type KeySchema = { readonly partition: KeyAttribute; readonly sort?: KeyAttribute }

/** How an author names a key: a name alone is a text attribute. */
export type KeyDefinition = {
  readonly partition: string | KeyAttribute
  readonly sort?: string | KeyAttribute
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
