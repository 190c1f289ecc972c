import { describe, expect, it } from '@jest/globals'
import { CopyRequestError, readCopyEvent } from '../../../../functions/bridge/copy/copy-request.ts'

const request = {
  sourceTableName: 'orders-restored',
  destinationTableName: 'orders',
  cleanupDestinationTable: true,
  migrate: true,
}
const role = 'arn:aws:iam::123456789012:role/path/copy'

describe('the event of a copy', () => {
  it.each([
    request,
    { ...request, migrate: false },
    { ...request, cleanupDestinationTable: false },
    { ...request, sourceTableName: 'arn:aws:dynamodb:eu-west-1:123456789012:table/orders' },
    {
      ...request,
      sourceRoleArn: role,
      sourceRegion: 'eu-west-1',
      destinationRoleArn: role,
      destinationRegion: 'us-gov-east-1',
      segments: 1_000,
      maxRate: 0.5,
    },
  ])('is taken as it is: %j', (event) => {
    expect(readCopyEvent(event)).toEqual(event)
  })

  it.each([
    [{ migrate: true }, { migrate: true, cleanupDestinationTable: false }],
    [{ cleanupDestinationTable: true }, { migrate: false, cleanupDestinationTable: true }],
    [
      { migrate: undefined, cleanupDestinationTable: true },
      { migrate: false, cleanupDestinationTable: true },
    ],
  ])('takes a step that is not named for one that is not wanted: %j', (steps, meant) => {
    const { sourceTableName, destinationTableName } = request

    expect(readCopyEvent({ sourceTableName, destinationTableName, ...steps })).toEqual({
      ...request,
      ...meant,
    })
  })

  it.each([
    [{}, ['sourceTableName is missing', 'destinationTableName is missing']],
    [{ ...request, migrate: 'true' }, ['migrate is not true or false']],
    [{ ...request, migrate: null }, ['migrate is not true or false']],
    [
      { ...request, migrate: undefined, cleanupDestinationTable: 'yes' },
      ['cleanupDestinationTable is not true or false'],
    ],
    [{ ...request, sourceTableName: 'a b' }, ["sourceTableName is not a table's name or ARN"]],
    [{ ...request, sourceTableName: 7 }, ['sourceTableName is not a text']],
    [{ ...request, cleanUp: true, yes: 1 }, ['cleanUp is not known', 'yes is not known']],
    [{ ...request, sourceRoleArn: 'admin' }, ["sourceRoleArn is not a role's ARN"]],
    [{ ...request, destinationRegion: 'Ireland' }, ['destinationRegion is not a region']],
    [{ ...request, segments: 0 }, ['segments is below 1']],
    [{ ...request, segments: 1.5 }, ['segments is not a whole number']],
    [{ ...request, segments: 1_001 }, ['segments is above 1000']],
    [{ ...request, maxRate: 0 }, ['maxRate is not above zero']],
    [{ ...request, maxRate: '5' }, ['maxRate is not a number']],
    [
      { sourceTableName: request.sourceTableName, destinationTableName: request.destinationTableName },
      ['cleanupDestinationTable and migrate are both false: there is nothing to do'],
    ],
    [
      { ...request, migrate: false, cleanupDestinationTable: false },
      ['cleanupDestinationTable and migrate are both false: there is nothing to do'],
    ],
    ['copy', ['it is not an object']],
    [null, ['it is not an object']],
  ])('%j is refused by name', (event, problems) => {
    let error: unknown
    try {
      readCopyEvent(event)
    } catch (thrown) {
      error = thrown
    }

    expect(error).toBeInstanceOf(CopyRequestError)
    expect(error).toMatchObject({ code: 'copy.request', kind: 'configuration', problems })
  })
})
