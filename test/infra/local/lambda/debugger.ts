import * as z from 'zod'

const message = z.object({
  id: z.number().optional(),
  method: z.string().optional(),
  params: z.record(z.string(), z.unknown()).optional(),
  result: z.record(z.string(), z.unknown()).optional(),
})
type Message = z.infer<typeof message>

/** What an inspector lists of a target. */
export const targetsOf = async (address: string) =>
  z
    .array(z.object({ title: z.string(), url: z.string(), webSocketDebuggerUrl: z.string() }))
    .parse(await (await fetch(`http://${address}/json/list`)).json())

/** A debugger that is attached to one target. */
export type Attached = {
  /** Sends a command and answers its result. */
  send(method: string, params?: Record<string, unknown>): Promise<Record<string, unknown>>
  /** What the target has told so far. */
  readonly events: readonly Message[]
  close(): void
}

export const attach = async (url: string): Promise<Attached> => {
  const socket = new WebSocket(url)
  const events: Message[] = []
  const waiting = new Map<number, (result: Record<string, unknown>) => void>()
  socket.addEventListener('message', ({ data }) => {
    const heard = message.parse(JSON.parse(String(data)))
    if (heard.id === undefined) events.push(heard)
    else waiting.get(heard.id)?.(heard.result ?? {})
  })
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', () => reject(new Error(`no inspector at ${url}`)))
  })
  let last = 0
  return {
    events,
    send: (method, params = {}) =>
      new Promise((resolve) => {
        const id = ++last
        waiting.set(id, resolve)
        socket.send(JSON.stringify({ id, method, params }))
      }),
    close: () => socket.close(),
  }
}
