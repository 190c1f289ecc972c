import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import { CfnOutput, Stack } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'
import { pascalCase } from './pascal-case.ts'

/** Adds an output to the stack, under its own id wherever the scope is: commands and people read it by that. */
export function output(scope: Construct, id: string, value: string, description: string): void {
  new CfnOutput(Stack.of(scope), id, { value, description })
}

/** Adds the output that has the name of a table in DynamoDB. @param name the table's in this project */
export function outputTableName(scope: Construct, name: string, { tableName }: ITable): void {
  output(scope, `${pascalCase(name)}TableName`, tableName, `The DynamoDB table of ${name}`)
}
