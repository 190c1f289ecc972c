import { Agent, request } from 'node:http'

/** An HTTP client that does the least: one kept connection, no signature, no retry. */
export type Http = {
  /** Posts a body. @returns the answer's text. @throws Error for a status other than 200, and after 50 s */
  send(method: 'POST' | 'PUT', url: string, body: string): Promise<string>
  close(): void
}

const TIMEOUT_MS = 50_000

export const openHttp = (): Http => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const send: Http['send'] = (method, url, body) =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
      const sent = request(url, { method, agent, headers, timeout: TIMEOUT_MS }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          if (response.statusCode === 200) resolve(text)
          else reject(new Error(`${method} ${url}: ${response.statusCode} ${text}`))
        })
      })
      sent.on('timeout', () => sent.destroy(new Error(`${method} ${url}: no answer in ${TIMEOUT_MS} ms`)))
      sent.on('error', reject)
      sent.end(body)
    })
  return { send, close: () => agent.destroy() }
}
