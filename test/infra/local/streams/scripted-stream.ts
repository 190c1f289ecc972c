import type { StreamRecord } from '../../../../infra/local/streams/records.ts'
import {
  type Page,
  type Shard,
  type Start,
  StreamError,
  type StreamErrorCode,
  type StreamSource,
} from '../../../../infra/local/streams/source.ts'
import { record } from './records.fixture.ts'

type Script = {
  records: StreamRecord[]
  parentId?: string
  closed: boolean
  shownOpen: boolean
  reads: number
  lose: number
  failures: { code: StreamErrorCode; left: number }
}

/** A stream that does what AWS does and emulators never do. Iterators are positions in the list of records. */
export class ScriptedStream implements StreamSource {
  readonly #shards = new Map<string, Script>()

  shard(
    id: string,
    sequences: string[],
    options: { parentId?: string; closed?: boolean; shownOpen?: boolean } = {},
  ): void {
    this.#shards.set(id, {
      records: sequences.map((sequence) => record(sequence)),
      closed: options.closed ?? false,
      shownOpen: options.shownOpen ?? false,
      reads: 0,
      lose: 0,
      failures: { code: 'streams.unavailable', left: 0 },
      ...(options.parentId !== undefined && { parentId: options.parentId }),
    })
  }

  append(id: string, sequence: string): void {
    this.put(id, record(sequence))
  }

  put(id: string, one: StreamRecord): void {
    this.#script(id).records.push(one)
  }

  close(id: string): void {
    this.#script(id).closed = true
  }

  /** The next reads fail so. */
  fail(id: string, code: StreamErrorCode, times: number): void {
    this.#script(id).failures = { code, left: times }
  }

  /** The next pages come without the iterator that an open shard should give. */
  loseIterators(id: string, times: number): void {
    this.#script(id).lose = times
  }

  reads(id: string): number {
    return this.#script(id).reads
  }

  async shards(): Promise<readonly Shard[]> {
    return [...this.#shards].map(([id, script]) => ({
      id,
      ended: script.closed && !script.shownOpen,
      ...(script.parentId !== undefined && { parentId: script.parentId }),
    }))
  }

  async iterator(_: string, shardId: string, start: Start): Promise<string> {
    const { records } = this.#script(shardId)
    if (start.type !== 'AFTER') return `${shardId}/${start.type === 'LATEST' ? records.length : 0}`
    const index = records.findIndex((one) => one.dynamodb.SequenceNumber === start.sequenceNumber)
    if (index < 0) throw new Error(`a sequence number that the shard never had: ${start.sequenceNumber}`)
    return `${shardId}/${index + 1}`
  }

  async read(_: string, iterator: string, limit: number): Promise<Page> {
    const [shardId = '', text] = iterator.split('/')
    const script = this.#script(shardId)
    script.reads++
    if (script.failures.left > 0) {
      script.failures.left--
      throw new StreamError(script.failures.code, 'as scripted')
    }
    const position = Number(text)
    const records = script.records.slice(position, position + limit)
    const next = position + records.length
    if (script.closed && next >= script.records.length) return { records }
    if (script.lose > 0) {
      script.lose--
      return { records }
    }
    return { records, next: `${shardId}/${next}` }
  }

  #script(id: string): Script {
    const script = this.#shards.get(id)
    if (!script) throw new StreamError('streams.not-found', id)
    return script
  }
}
