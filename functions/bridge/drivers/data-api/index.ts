// A Kysely dialect for Aurora MySQL over the RDS Data API.
export { DataApiClient, type DataApiConfig, type Statement } from './client.ts'
export { DataApiDialect } from './dialect.ts'
export { DataApiError, type Outcome } from './errors.ts'
export { UnsupportedValueError } from './fields.ts'
export { idempotently } from './idempotent.ts'
export { repeatableTransaction } from './repeatable-transaction.ts'
export { StatementTooLargeError } from './request-limit.ts'
