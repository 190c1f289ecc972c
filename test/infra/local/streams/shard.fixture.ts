import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Outcome } from '../../../../infra/local/lambda/environment.ts'
import { Checkpoints } from '../../../../infra/local/streams/checkpoints.ts'
import type { Discard } from '../../../../infra/local/streams/deliver.ts'
import { laneOf } from '../../../../infra/local/streams/lanes.ts'
import type { StreamRecord } from '../../../../infra/local/streams/records.ts'
import type { MappingSettings } from '../../../../infra/local/streams/settings.ts'
import { consumeShard } from '../../../../infra/local/streams/shard.ts'
import type { ShardPorts } from '../../../../infra/local/streams/shard-ports.ts'
import { record } from './records.fixture.ts'
import type { ScriptedStream } from './scripted-stream.ts'
import { FakeClock, settings } from './settings.fixture.ts'

export const SHARD = 'only'

/** An item whose records go into this lane. */
export const itemInLane = (lane: number, factor: number): string => {
  for (let i = 0; ; i++) if (laneOf(record(1, `item-${i}`), factor) === lane) return `item-${i}`
}

export const ok: Outcome = { ok: true, payload: 'null' }
export const crash: Outcome = { ok: false, error: { errorType: 'Error', errorMessage: 'boom' } }

/** A folder with a checkpoint file in it. */
export const checkpointFile = async (): Promise<{ file: string; remove(): Promise<void> }> => {
  const folder = await mkdtemp(join(tmpdir(), 'backsync-shard-'))
  return { file: join(folder, 'm.json'), remove: () => rm(folder, { recursive: true, force: true }) }
}

/** Consumes the shard from the file's checkpoint on; the shard counts as closed once its iterator runs out. */
export const consume = async (options: {
  readonly file: string
  readonly stream: ScriptedStream
  readonly settings: Partial<MappingSettings>
  readonly invoke: (records: readonly StreamRecord[]) => Promise<Outcome>
  readonly discard?: (discard: Discard) => void
  readonly limits?: ShardPorts['limits']
  readonly signal: AbortSignal
}): Promise<void> => {
  const clock = new FakeClock()
  const ports = { clock, random: () => 0, log: () => {} }
  const { limits, stream } = options
  await consumeShard(
    SHARD,
    false,
    {
      ...ports,
      settings: settings(options.settings),
      source: stream,
      checkpoints: await Checkpoints.open(options.file, settings().streamArn, 0),
      isClosed: async () => (await stream.shards()).some(({ id, ended }) => id === SHARD && ended),
      deliveryTo: () => ({
        ...ports,
        newRequestId: () => 'request',
        invoke: options.invoke,
        discard: async (discard) => options.discard?.(discard),
      }),
      ...(limits && { limits }),
    },
    options.signal,
  )
}

/** The sequence number up to which the file says that all is done; 0 when it says nothing. */
export const positionIn = async (file: string): Promise<number> => {
  const checkpoints = await Checkpoints.open(file, settings().streamArn, 0)
  return Number(checkpoints.position(SHARD)?.after ?? 0)
}
