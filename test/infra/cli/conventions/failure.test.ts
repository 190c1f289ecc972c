import { describe, expect, it } from '@jest/globals'
import { DynamoError } from '../../../../functions/bridge/drivers/dynamo/errors.ts'
import { interrupted, usageError } from '../../../../infra/cli/conventions/errors.ts'
import { reportFailure } from '../../../../infra/cli/conventions/failure.ts'
import { fakeTerminal } from './terminal.ts'

const dynamo = (name: string) => new DynamoError('Query', Object.assign(new Error('secret detail'), { name }))

describe('a failure', () => {
  it.each<[unknown, number, string]>([
    [usageError('unknown entity x', 'see --help'), 2, 'unknown entity x; see --help'],
    [
      interrupted('3 of 9 done', 'go on with the same command'),
      130,
      '3 of 9 done; go on with the same command',
    ],
    [
      dynamo('ThrottlingException'),
      1,
      'Query: ThrottlingException (dynamodb.ThrottlingException); it should pass: try again',
    ],
    [
      dynamo('AccessDeniedException'),
      1,
      'Query: AccessDeniedException (dynamodb.AccessDeniedException); check the stack, and that your credentials may do this',
    ],
    [new Error('two\n  lines'), 1, 'two lines; with --debug it says more'],
    ['text', 1, 'text; with --debug it says more'],
  ])('%s is one line, with its exit code', (error, code, line) => {
    const terminal = fakeTerminal(false)
    expect(reportFailure(terminal.io, error, false)).toBe(code)
    expect(terminal.stderr()).toBe(`backsync: ${line}\n`)
    expect(terminal.stdout()).toBe('')
  })

  it('shows its cause with --debug', () => {
    const terminal = fakeTerminal(false)
    reportFailure(terminal.io, dynamo('ThrottlingException'), true)
    expect(terminal.stderr()).toMatch(/\n {4}at (?:.|\n)*\[cause\].*secret detail/)
  })
})
