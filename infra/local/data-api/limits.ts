/**
 * The Data API's limits.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.limitations.html
 * @see https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_ExecuteStatement.html
 */
export const limits = {
  /** bytes of a request, headers included */
  requestBytes: 4 * 1024 * 1024,
  sqlCharacters: 65_536,
  /** bytes of the values in a result set */
  resultBytes: 1024 * 1024,
  /** bytes of the values in one row. AWS documents it, and has been seen to answer larger rows: it can be switched off */
  rowBytes: 64 * 1024,
  /** bytes of `formattedRecords` */
  formattedBytes: 10 * 1024 * 1024,
  statementMs: 45_000,
  transactionIdleMs: 3 * 60_000,
  transactionMs: 24 * 3_600_000,
  arnCharacters: { min: 11, max: 570 },
  databaseCharacters: 64,
  transactionIdCharacters: 192,
} as const
