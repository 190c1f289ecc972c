import { connect, type Socket } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { readBody } from '../../../../infra/local/http/body.ts'
import { listen } from '../../../../infra/local/http/server.ts'
import { until } from '../../../support/until.ts'

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

  it('fails when the client breaks off, and when it goes on far beyond the limit', async () => {
    const failures: unknown[] = []
    const server = await listen({
      handler: async (request, response) => {
        try {
          await readBody(request, 1000)
        } catch (error) {
          failures.push(error)
          response.destroy()
        }
      },
    })
    const failing = async (send: (socket: Socket) => void): Promise<unknown> => {
      const before = failures.length
      const socket = connect(server.port, '127.0.0.1')
      // The server cuts it off, or the test itself does.
      socket.on('error', () => undefined)
      socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n')
      send(socket)
      await until('the body failed', 5000, () => failures.length > before)
      socket.destroy()
      return failures.at(-1)
    }
    expect(await failing((socket) => socket.end('begun'))).toMatchObject({
      message: 'aborted',
    })
    expect(await failing((socket) => void socket.write('x'.repeat(50_000)))).toMatchObject({
      message: 'request of more than 16000 bytes',
    })
    await server.close()
  })
})
