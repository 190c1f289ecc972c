import type { Owner } from '../model/owner.ts'
import type { CountName, Metrics } from '../runtime/metrics.ts'

/** By which counts a facade tells what each side has answered, and what of that has failed. */
export const ANSWER_COUNTS = {
  aurora: { answers: 'AnswersAurora', faults: 'FaultsAurora' },
  dynamo: { answers: 'AnswersDynamo', faults: 'FaultsDynamo' },
} as const satisfies Readonly<Record<Owner, { readonly answers: CountName; readonly faults: CountName }>>

/** Counts what a side has answered of an entity's requests: in the function's own metrics, which take no call. */
export const countAnswer =
  (metrics: Pick<Metrics, 'count'>, entity: string) =>
  (side: Owner, statusCode: number): void => {
    metrics.count(ANSWER_COUNTS[side].answers, entity, 1)
    if (statusCode >= 500) metrics.count(ANSWER_COUNTS[side].faults, entity, 1)
  }
