import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { stackOf } from '../../errors/thrown.ts'
import type { FailureDestination } from '../failures/destination.ts'
import type { LocalFunction } from '../lambda/function.ts'
import type { Log } from '../lambda/log-file.ts'
import { Checkpoints } from './checkpoints.ts'
import { type Clock, systemClock } from './clock.ts'
import { iteratorAge } from './iterator-age.ts'
import { runMapping } from './mapping.ts'
import type { StreamRecord } from './records.ts'
import type { MappingSettings } from './settings.ts'
import type { StreamSource } from './source.ts'

/** An event source mapping with the running parts that it ties together. */
export type MappingParts = {
  readonly name: string
  readonly settings: MappingSettings
  readonly fn: LocalFunction
  readonly destination?: FailureDestination
  readonly source: StreamSource
  /** Where checkpoint files are. */
  readonly folder: string
  readonly log: Log
  readonly clock?: Clock
}

/** A mapping that runs until it is stopped. */
export type RunningMapping = { readonly name: string; stop(): Promise<void> }

/** A defect of the mapping itself, such as a full disk under the checkpoints: said, and tried again after this. */
const RESTART_MS = 5_000
/** How long a stop waits for the batch in flight. It is delivered again if it takes longer. */
const STOP_MS = 3_000

/** Starts a mapping. */
export const startMapping = (parts: MappingParts): RunningMapping => {
  const stop = new AbortController()
  const running = run(parts, stop.signal)
  return {
    name: parts.name,
    async stop() {
      stop.abort()
      const timer = new AbortController()
      await Promise.race([running, (parts.clock ?? systemClock).sleep(STOP_MS, timer.signal)])
      timer.abort()
    },
  }
}

const run = async (parts: MappingParts, signal: AbortSignal): Promise<void> => {
  const { name, settings, fn, destination, source, folder, clock = systemClock } = parts
  const log = (line: string): void => parts.log(`${name}: ${line}`)
  while (!signal.aborted) {
    try {
      const file = join(folder, `${name}-${settings.uuid}.json`)
      const checkpoints = await Checkpoints.open(file, settings.streamArn, clock.now())
      const deliveryTo = (shardId: string) => ({
        clock,
        log,
        random: Math.random,
        newRequestId: randomUUID,
        invoke: (records: readonly StreamRecord[], requestId: string) => {
          const of = { mapping: name, functionName: fn.definition.name }
          fn.measured(iteratorAge(of, records, clock.now()))
          return fn.invoke({ Records: records }, requestId)
        },
        discard: async (discard: Parameters<FailureDestination['deliver']>[0]) => {
          const what = `${discard.records.length} record(s) given up, ${discard.condition}`
          if (!destination) return log(`${what}: LOST, the mapping has no destination`)
          const origin = {
            functionArn: fn.definition.arn,
            streamArn: settings.streamArn,
            shardId,
            mappingUuid: settings.uuid,
          }
          log(`${what}: ${await destination.deliver(discard, origin)}`)
        },
      })
      await runMapping({ settings, source, checkpoints, clock, random: Math.random, log, deliveryTo }, signal)
    } catch (error) {
      log(`stopped by ${stackOf(error)}`)
      await clock.sleep(RESTART_MS, signal)
    }
  }
}
