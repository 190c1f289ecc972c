import type { Owner } from '../model/owner.ts'
import type { ApiCall, RefusedCall } from '../normalise/api.ts'
import type { CountName, DurationName, Metrics } from '../runtime/metrics.ts'

type AnswerMetrics = {
  readonly answers: CountName
  readonly faults: CountName
  readonly written: CountName
  readonly took: DurationName
}

/** By which figures a facade tells what each side has answered, what of that has failed, what it has written, and how long reads took. */
export const ANSWER_METRICS: Readonly<Record<Owner, AnswerMetrics>> = {
  aurora: {
    ...{ answers: 'AnswersAurora', faults: 'FaultsAurora' },
    ...{ written: 'WrittenAurora', took: 'TookAurora' },
  },
  dynamo: {
    ...{ answers: 'AnswersDynamo', faults: 'FaultsDynamo' },
    ...{ written: 'WrittenDynamo', took: 'TookDynamo' },
  },
}

/**
 * Counts what a side has answered of an entity's requests: in the function's own metrics, which take no call. Reads of one key are
 * timed, and nothing else: behind a move a write claims its key first, and lists are one side's alone.
 *
 * @param took how long the request has taken so far, in milliseconds
 */
export const countAnswer =
  (
    metrics: Pick<Metrics, 'count' | 'milliseconds'>,
    entity: string,
    action: (ApiCall | RefusedCall)['action'],
    took: () => number,
  ) =>
  (side: Owner, statusCode: number): void => {
    const names = ANSWER_METRICS[side]
    metrics.count(names.answers, entity, 1)
    if (statusCode >= 500) metrics.count(names.faults, entity, 1)
    else if (action === 'read') metrics.milliseconds(names.took, entity, took())
    else if (action !== 'list' && statusCode < 300) metrics.count(names.written, entity, 1)
  }
