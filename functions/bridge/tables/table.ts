import { type KeyDefinition, type KeySchema, keySchema } from '../drivers/dynamo/key-schema.ts'

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
