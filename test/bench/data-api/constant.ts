import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/*
 * A process that answers at once, and always the same: what a client costs when neither endpoint nor database takes
 * any time. `PUT /name` stores an answer; every POST below `/name/` gets it. Prints its endpoint as one JSON line.
 */

const answers = new Map<string, Buffer>()

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const name = request.url?.split('/')[1] ?? ''
    if (request.method === 'PUT') answers.set(name, Buffer.concat(chunks))
    const answer = answers.get(name)
    response.writeHead(answer ? 200 : 404, {
      'content-type': 'application/json',
      'content-length': answer?.length ?? 0,
    })
    response.end(answer)
  })
})

server.listen(0, '127.0.0.1', () => {
  // A server that listens on a TCP port always has an AddressInfo; a string is only for pipes.
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ endpoint: `http://127.0.0.1:${port}` })}\n`)
})
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    server.close()
    server.closeAllConnections()
  })
}
