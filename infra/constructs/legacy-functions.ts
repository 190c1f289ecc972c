import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import type { Code } from 'aws-cdk-lib/aws-lambda'
import { Duration, Stack } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Settings } from '../settings.ts'
import { BridgeFunction } from './bridge-function.ts'
import type { EntityDescription, LegacyFunctionDescription } from './entity-table.ts'
import type { LegacyDatabase } from './legacy-database.ts'
import { output } from './output.ts'
import { pascalCase } from './pascal-case.ts'

export interface LegacyFunctionsProps {
  readonly settings: Settings
  readonly entities: readonly EntityDescription[]
  readonly database: LegacyDatabase
  /** Bundles a team's module as a function. */
  readonly code: (module: string) => Code
}

/** Whether functions of a team's own write any of some entities. */
export const haveFunctions = (entities: readonly EntityDescription[]): boolean =>
  entities.some(({ legacyFunction }) => legacyFunction !== undefined)

/**
 * The functions of a team's own that write entities to Aurora. A module is a function by itself, so that its crash, its end and
 * its late answer are its own; it may run SQL, and nothing else.
 */
export class LegacyFunctions extends Construct {
  readonly #arns: Readonly<Record<string, string>>

  constructor(scope: Construct, id: string, props: LegacyFunctionsProps) {
    super(scope, id)
    const { settings, database, code } = props
    const arnOf = (name: string, { functionArn, module, timeout }: LegacyFunctionDescription): string => {
      if (functionArn !== undefined) return functionArn
      if (module === undefined) throw new TypeError(`${name}: a legacyFunction has a functionArn or a module`)
      const made = new BridgeFunction(this, pascalCase(name), {
        settings,
        description: `Writes ${name} to Aurora, by the team's own code`,
        code: code(module),
        timeout: Duration.seconds(timeout),
        environment: database.environment,
      })
      database.grantSql(made)
      return made.functionArn
    }
    this.#arns = Object.fromEntries(
      props.entities.flatMap(({ name, legacyFunction }) =>
        legacyFunction === undefined ? [] : [[name, arnOf(name, legacyFunction)]],
      ),
    )
    output(
      this,
      'LegacyFunctionNames',
      this.#setting,
      "The functions that write entities to Aurora by a team's own code, by the names of the entities",
    )
  }

  /** Lets a function of the bridge call each of them, and tells it how. */
  serve(caller: BridgeFunction): void {
    caller.addEnvironment('LEGACY_FUNCTIONS', this.#setting)
    this.#grantInvoke(caller)
  }

  /** Of an alias that alone, and of a function its latest version alone. */
  #grantInvoke(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['lambda:InvokeFunction'],
      resourceArns: [...new Set(Object.values(this.#arns))],
    })
  }

  get #setting(): string {
    return Stack.of(this).toJsonString(this.#arns)
  }
}
