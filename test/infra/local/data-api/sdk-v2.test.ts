import { readFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import * as z from 'zod'
import { Harness } from './harness.ts'

/*
 * What the second generation of the JavaScript SDK sent to this endpoint, byte for byte, and what it understood of the
 * answers. `{first}` and `{second}` stand for transaction ids; of MySQL's own texts only the end is kept.
 */
const recorded = z
  .object({
    requests: z.array(
      z.object({
        title: z.string(),
        method: z.literal('POST'),
        path: z.string(),
        /** names and values in turn, as they were on the wire */
        headers: z.array(z.string()),
        body: z.string(),
        status: z.number(),
        error: z.string().optional(),
        answer: z.record(z.string(), z.unknown()),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('./golden/sdk-v2.json', import.meta.url), 'utf8'))).requests

type Recorded = (typeof recorded)[number]
type Answer = {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

let h: Harness
const answers = new Map<string, Answer>()
const ids = new Map<string, string>()

beforeAll(async () => {
  h = await Harness.start()
  for (const one of recorded) {
    if (one.error === 'DatabaseResumingException') h.api.faults.add({ kind: 'resuming', seconds: 600 })
    const answer = await replay(one)
    answers.set(one.title, answer)
    if (one.path === '/BeginTransaction') {
      const { transactionId } = z.object({ transactionId: z.string() }).parse(JSON.parse(answer.text))
      ids.set(z.string().parse(one.answer.transactionId), transactionId)
    }
  }
})
afterAll(() => h.stop())

const filled = (text: string): string =>
  [...ids].reduce((result, [name, id]) => result.replaceAll(name, id), text)

/** Sends a recorded request with the very headers that were recorded, but for the length where an id was filled in. */
const replay = ({ method, path, headers, body }: Recorded): Promise<Answer> => {
  const sent = filled(body)
  const length = headers.indexOf('Content-Length') + 1
  const exact = headers.with(length, String(Buffer.byteLength(sent)))
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(h.api.endpoint)
    const outgoing = request(
      { hostname, port, method, path, headers: exact, timeout: 20_000 },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => {
          const { statusCode: status, headers: received } = incoming
          resolve({ status, headers: received, text: Buffer.concat(chunks).toString('utf8') })
        })
      },
    )
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer to ${path}`)))
    outgoing.on('error', reject)
    outgoing.end(sent)
  })
}

describe('the second generation of the SDK', () => {
  it.each(recorded)('$title', ({ title, status, error, answer: expected }) => {
    const answer = answers.get(title)

    expect([answer?.status, answer?.headers['x-amzn-errortype']]).toEqual([status, error])
    expect(answer?.headers['x-amzn-requestid']).toMatch(/^[0-9a-f-]{36}$/)
    expect(answer?.headers['content-type']).toBe('application/json')
    const body: unknown = JSON.parse(answer?.text ?? '')
    const message = z.string().optional().parse(expected.message)
    if (message?.startsWith('; Error code: ')) {
      expect(body).toEqual({ message: expect.stringMatching(new RegExp(`.${message}$`)) })
    } else {
      expect(body).toEqual(JSON.parse(filled(JSON.stringify(expected))))
    }
  })

  it('has all five operations among its requests, and the one that is gone', () => {
    expect([...new Set(recorded.map(({ path }) => path))].sort()).toEqual([
      '/BatchExecute',
      '/BeginTransaction',
      '/CommitTransaction',
      '/Execute',
      '/ExecuteSql',
      '/RollbackTransaction',
    ])
  })
})
