/** Events as the stream of the chefs' table delivers them, and the rows that they stand for. */

export type ChefRow = {
  readonly key: string
  readonly firstName: string
  readonly lastName: string
  readonly version: number
}

export const UPDATED_AT = '2026-11-22T03:00:00.123Z'
const CREATED = 1_795_316_400

export const chefKey = (number: number): string =>
  `01990000-0000-7000-8000-${String(number).padStart(12, '0')}`

export const chefRow = (number: number, version: number): ChefRow => ({
  key: chefKey(number),
  firstName: `First name ${number} at ${version}`,
  lastName: `Last name of number ${number}`,
  version,
})

let sequence = 100_000_000_003_126_276_360n

const image = ({ key, firstName, lastName, version }: ChefRow) => ({
  chefId: { S: key },
  firstName: { S: firstName },
  lastName: { S: lastName },
  version: { N: String(version) },
  updatedAt: { S: UPDATED_AT },
})

/** One record with both images, as the stream of a NEW_AND_OLD_IMAGES table has it. */
const toRecord = (row: ChefRow, streamArn: string, removes = false) => {
  sequence += 1n
  const older = { ...row, version: row.version - 1 }
  return {
    eventID: `${sequence}`,
    eventName: removes ? 'REMOVE' : row.version === 1 ? 'INSERT' : 'MODIFY',
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: 'us-east-1',
    dynamodb: {
      ApproximateCreationDateTime: CREATED,
      Keys: { chefId: { S: row.key } },
      ...(removes ? {} : { NewImage: image(row) }),
      ...(row.version === 1 ? {} : { OldImage: image(older) }),
      SequenceNumber: `8${sequence}`,
      SizeBytes: 250,
      StreamViewType: 'NEW_AND_OLD_IMAGES',
    },
    eventSourceARN: streamArn,
  }
}

export const toEvent = (rows: readonly ChefRow[], streamArn: string) => ({
  Records: rows.map((row) => toRecord(row, streamArn)),
})

/**
 * As many records as rows, a quarter of them each: new ones, updates, deletes, and old ones that are delivered again.
 *
 * @param rows that are there at version 1
 */
export const toMixedEvent = (rows: readonly ChefRow[], streamArn: string) => ({
  Records: rows.map((row, at) => {
    const number = Number(row.key.slice(-12))
    switch (at % 4) {
      case 0:
        return toRecord(chefRow(number + 500_000_000, 1), streamArn)
      case 1:
        return toRecord(chefRow(number, 2), streamArn)
      case 2:
        return toRecord(chefRow(number, 2), streamArn, true)
      default:
        return toRecord(row, streamArn)
    }
  }),
})
