import * as z from 'zod'
import type { Log } from '../../lambda/log-file.ts'
import type { ScheduleSettings } from '../../schedules/start.ts'
import { readProperties } from '../properties.ts'
import type { TemplateScope } from '../scope.ts'

const schema = z.object({
  ScheduleExpression: z.string().optional(),
  State: z.string().default('ENABLED'),
  Targets: z.array(z.object({ Arn: z.string() })).default([]),
})

const UNITS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }

/** A schedule of the template and the function that it invokes. */
export type DefinedSchedule = ScheduleSettings & { readonly functionArn: string }

/**
 * The rules of the stack that invoke functions at intervals. One that waits for events, or for other times than a rate
 * says, is not run here, and that is said.
 */
export const schedulesOf = (scope: TemplateScope, log: Log): DefinedSchedule[] =>
  scope.resources('AWS::Events::Rule').flatMap(([name]) => {
    const path = `Resources.${name}.Properties`
    const { ScheduleExpression: text = '', State, Targets } = readProperties(scope, name, schema)
    const [, n, unit = ''] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(text) ?? []
    const length = UNITS[unit]
    if (State !== 'ENABLED') return []
    if (length === undefined) {
      log(`${name}: the rule is not run here: only rates are`)
      return []
    }
    const arn = String(scope.getAtt(name, 'Arn', path))
    return Targets.map(({ Arn: functionArn }) => ({ name, arn, every: Number(n) * length, functionArn }))
  })
