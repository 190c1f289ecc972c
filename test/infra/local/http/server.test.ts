import { describe, expect, it } from '@jest/globals'
import { readBody } from '../../../../infra/local/http/body.ts'
import { listen } from '../../../../infra/local/http/server.ts'

const get = (url: string, init: RequestInit = {}) =>
  fetch(url, { ...init, signal: AbortSignal.timeout(5000) })

describe('listen', () => {
  it('listens on a free port of the loopback, and on the one it is told', async () => {
    const first = await listen({ handler: async (_request, response) => void response.end('hello') })
    expect(first.endpoint).toBe(`http://127.0.0.1:${first.port}`)
    expect(await (await get(first.endpoint)).text()).toBe('hello')
    await expect(listen({ port: first.port, handler: async () => undefined })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
    await first.close()
    const second = await listen({
      port: first.port,
      handler: async (_request, response) => void response.end(),
    })
    expect(second.port).toBe(first.port)
    await second.close()
  })

  it('ends requests in flight when it closes', async () => {
    let reached: () => void = () => undefined
    const inside = new Promise<void>((resolve) => {
      reached = resolve
    })
    const server = await listen({ handler: async () => reached() })
    const call = get(server.endpoint).catch(() => 'cut')
    await inside
    await server.close()
    expect(await call).toBe('cut')
  })

  it('refuses callers while paused, and takes them again on the same port', async () => {
    const server = await listen({ handler: async (_request, response) => void response.end('back') })
    server.pause()
    await expect(get(server.endpoint)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
    await server.resume()
    expect(await (await get(server.endpoint)).text()).toBe('back')
    server.pause()
    await server.close()
    await server.resume()
    await expect(get(server.endpoint)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  })

  it('logs a defect of its handler and cuts the caller off', async () => {
    const lines: string[] = []
    const server = await listen({
      handler: async () => {
        throw new Error('a defect')
      },
      log: (line) => lines.push(line),
    })
    await expect(get(server.endpoint)).rejects.toThrow()
    expect(lines.join('\n')).toContain('a defect')
    await server.close()
  })
})

describe('readBody', () => {
  it('gives the bytes up to the limit, and nothing beyond it', async () => {
    const server = await listen({
      handler: async (request, response) => {
        const body = await readBody(request, 10_000)
        response.end(body ? `${body.length}` : 'too large')
      },
    })
    const post = async (body: string) => (await get(server.endpoint, { method: 'POST', body })).text()
    expect(await post('é'.repeat(100))).toBe('200')
    expect(await post('')).toBe('0')
    expect(await post('x'.repeat(10_000))).toBe('too large')
    expect(await post('x'.repeat(100_000))).toBe('too large')
    await server.close()
  })
})
