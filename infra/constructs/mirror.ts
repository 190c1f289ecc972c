import { Alarm, ComparisonOperator, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import type { Code } from 'aws-cdk-lib/aws-lambda'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import {
  type CountName,
  type GaugeName,
  METRICS_NAMESPACE,
  RELAY,
  WHOLE_STACK,
} from '../../functions/bridge/runtime/metrics.ts'
import type { Settings } from '../settings.ts'
import { BridgeFunction } from './bridge-function.ts'
import type { EntityDescription, EntityTable } from './entity-table.ts'
import type { LegacyDatabase } from './legacy-database.ts'
import { output } from './output.ts'
import { pascalCase } from './pascal-case.ts'
import type { StateTable } from './state-table.ts'
import { grantParking } from './stream-follower.ts'
import { tableNames } from './table-names.ts'

export interface MirrorProps {
  readonly settings: Settings
  readonly database: LegacyDatabase
  readonly tables: readonly EntityTable[]
  /** All of them; at least one is mirrored. */
  readonly entities: readonly EntityDescription[]
  /** Where records are set aside that DynamoDB can't take, and changes wait that a row of Aurora's may set free. */
  readonly parking: StateTable
  /** Where it is kept how far the mirror has come: by that it is seen that a store was restored. */
  readonly jobs: StateTable
  readonly code: Code
}

/** Whether an entity's rows are carried over to DynamoDB. */
export const isMirrored = ({ mirror }: EntityDescription): boolean => mirror !== undefined

/** The next one begins before the last one ends: two at once are harmless, and none would be a gap. */
const STAY = Duration.seconds(75)

/** The way there: what is written in Aurora, by whom ever, is carried over to DynamoDB by a function that looks for it. */
export class Mirror extends Construct {
  readonly function: BridgeFunction
  readonly #stays: boolean

  constructor(scope: Construct, id: string, props: MirrorProps) {
    super(scope, id)
    const { settings, database, tables, entities, parking, jobs } = props
    const stays = settings.relay === 'stay'
    this.#stays = stays
    const interval = settings.relay === 'hour' ? Duration.hours(1) : Duration.minutes(1)
    this.function = new BridgeFunction(this, 'Function', {
      settings,
      description: 'Carries over to DynamoDB what is written in Aurora',
      code: props.code,
      timeout: stays ? STAY : Duration.minutes(5),
      environment: {
        ...database.environment,
        ...tableNames(this, tables),
        ...parking.environment,
        ...jobs.environment,
        RELAY_STAYS: String(stays),
      },
    })
    database.grantSql(this.function)
    grantParking(parking, this.function)
    jobs.grant(this.function, ['GetItem', 'UpdateItem'])
    const mirrored = new Set(
      entities
        .filter(isMirrored)
        .map(({ name, item: { table = name } = { table: name, keyAttribute: '' } }) => table),
    )
    for (const table of tables) {
      table.grantGet(this.function)
      table.grantLift(this.function, entities)
      if (mirrored.has(table.name)) table.grantMirror(this.function)
    }
    new Rule(this, 'Schedule', {
      description: 'Has carried over what is written in Aurora',
      schedule: Schedule.rate(interval),
      // The next one comes soon, and does it as well.
      targets: [new LambdaFunction(this.function, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
    })
    this.#addAlarms(props)
    output(
      this,
      'RelayFunctionName',
      this.function.functionName,
      'The function that carries over to DynamoDB',
    )
  }

  /** Lets a function have the relay look behind a write, where it doesn't stay: it says so by the function's name. */
  wake(caller: BridgeFunction): void {
    if (this.#stays) return
    caller.addEnvironment('RELAY_FUNCTION', this.function.functionName)
    this.function.grantInvoke(caller)
  }

  #addAlarms({ settings, entities }: MirrorProps): void {
    const action =
      settings.alarmTopicArn === undefined
        ? undefined
        : new SnsAction(Topic.fromTopicArn(this, 'Topic', settings.alarmTopicArn))
    const period = Duration.minutes(settings.relay === 'hour' ? 60 : 1)
    const own = (metricName: GaugeName | CountName, entity: string, statistic: string) =>
      new Metric({
        namespace: METRICS_NAMESPACE,
        metricName,
        dimensionsMap: { service: RELAY, entity },
        period,
        statistic,
      })
    const add = (
      id: string,
      alarmDescription: string,
      metric: Metric,
      threshold = 0,
      evaluationPeriods = 1,
    ) => {
      const alarm = new Alarm(this, id, {
        ...{ alarmDescription, metric, threshold, evaluationPeriods },
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      })
      if (action === undefined) return
      alarm.addAlarmAction(action)
      alarm.addOkAction(action)
    }
    add(
      'Late',
      'What is written in Aurora is carried over to DynamoDB more than a minute late',
      own('LogAge', WHOLE_STACK, Stats.MAXIMUM),
      Duration.minutes(1).toMilliseconds(),
      3,
    )
    add(
      'Errors',
      'The relay function fails: what is written in Aurora waits in its log',
      this.function.metricErrors({ period, statistic: Stats.SUM }),
      0,
      3,
    )
    add(
      'SteppedBack',
      'A store was restored and nobody has said so: nothing is carried over of the entities that the log of the relay names, until that is recovered',
      own('SteppedBack', WHOLE_STACK, Stats.MAXIMUM),
    )
    for (const { name } of entities.filter(isMirrored))
      add(
        `${pascalCase(name)}Parked`,
        `Rows of ${name} can't be carried over to DynamoDB and are parked, with their reasons: repair these, and retry`,
        own('Parked', name, Stats.SUM),
      )
  }
}
