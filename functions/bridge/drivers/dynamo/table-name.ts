/** What DynamoDB takes for a table: its name, or its ARN. */
export const TABLE_NAME = /^(?:arn:[\w-]+:dynamodb:[\w-]+:\d*:table\/)?[\w.-]{3,255}$/
