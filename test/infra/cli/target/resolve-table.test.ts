import { describe, expect, it } from '@jest/globals'
import { isOfStack, resolveTable } from '../../../../infra/cli/target/resolve-table.ts'

const target = {
  outputs: { UsersTableName: 'Stack-Users-1X', UsersByCityTableName: 'Stack-Users-2Y', Url: 'users' },
}

describe('the name of a table', () => {
  it.each([
    ['users', 'Stack-Users-1X'],
    ['users-by-city', 'Stack-Users-2Y'],
    // What this project doesn't name is DynamoDB's own name.
    ['Users', 'Users'],
    ['users-restored', 'users-restored'],
    ['Stack-Users-1X', 'Stack-Users-1X'],
    ['toString', 'toString'],
    [
      'arn:aws:dynamodb:eu-west-1:123456789012:table/Users',
      'arn:aws:dynamodb:eu-west-1:123456789012:table/Users',
    ],
  ])('%s is %s in DynamoDB', (name, table) => {
    expect(resolveTable(target, name)).toBe(table)
  })

  it.each(['', 'ab', 'with space', 'x'.repeat(256), 'arn:aws:s3:::bucket', 'users;'])(
    '%j is wrong usage',
    (name) => {
      expect(() => resolveTable(target, name)).toThrow(
        expect.objectContaining({ code: 'cli.usage', exit: 2 }),
      )
    },
  )

  it("tells which tables are the stack's", () => {
    expect(isOfStack(target, 'Stack-Users-1X')).toBe(true)
    expect(isOfStack(target, 'Stack-Users-3Z')).toBe(false)
    // An output of another kind.
    expect(isOfStack(target, 'users')).toBe(false)
  })
})
