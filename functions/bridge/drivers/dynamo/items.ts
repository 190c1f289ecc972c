import type { AttributeValue } from '@aws-sdk/client-dynamodb'

/** An item, or its key, as DynamoDB's calls have it: attribute values by name. */
export type Item = Record<string, AttributeValue>
