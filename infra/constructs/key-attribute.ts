import { type Attribute, AttributeType } from 'aws-cdk-lib/aws-dynamodb'
import type { KeyAttribute, KeyType } from '../../functions/bridge/drivers/dynamo/key-schema.ts'

const types: Readonly<Record<KeyType, AttributeType>> = {
  S: AttributeType.STRING,
  N: AttributeType.NUMBER,
  B: AttributeType.BINARY,
}

/** An attribute of a table's key as the CDK has it. */
export const attributeOf = ({ name, type }: KeyAttribute): Attribute => ({ name, type: types[type] })
