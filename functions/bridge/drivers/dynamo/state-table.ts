/**
 * The keys of one of Backsync's own tables, all text, and the attribute (seconds since 1970) with which DynamoDB's time
 * to live removes an item. Declared beside the code that reads and writes the table; the stack makes it after that.
 */
export type StateTableKeys = {
  readonly partition: string
  readonly sort?: string
  readonly expiry: string
}
