import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { World } from '../cutover/world.ts'
import type { TestVerify } from './harness.ts'
import type { VerifyRequest } from './verify-process.ts'

const script = fileURLToPath(new URL('./verify-process.ts', import.meta.url))

/**
 * Verifies the chefs in a process of its own.
 *
 * @param options.aurora an endpoint of the Data API. @default the world's own
 */
export const startVerifying = (
  { sync }: World,
  { jobsTable }: Pick<TestVerify, 'jobsTable'>,
  { maxRate, aurora = sync.aurora.api.endpoint }: { readonly maxRate: number; readonly aurora?: string },
) => {
  const { config, database } = sync.aurora
  const request: VerifyRequest = {
    aurora: { CLUSTER_ARN: config.resourceArn, SECRET_ARN: config.secretArn, DATABASE_NAME: database },
    tables: { chef: sync.tables.of('chef') },
    ...{ parking: sync.parking.table, jobs: jobsTable, segments: 8, maxRate },
  }
  const child = spawn(process.execPath, [script, JSON.stringify(request)], {
    env: {
      ...process.env,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL_RDS_DATA: aurora,
      AWS_ENDPOINT_URL_DYNAMODB: process.env.TEST_DYNAMODB_ENDPOINT,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [told, complaint] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    told += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  return {
    /** What it has said, and what it has complained of. */
    told: () => told,
    complaint: () => complaint,
    kill: () => child.kill('SIGKILL'),
    /** Its exit code; null where it was killed. */
    ended: once(child, 'close').then(([code]: unknown[]) => code),
  }
}

/** A way to a server that can be cut: then nothing answers there. */
export const cuttable = async (to: URL) => {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(Number(to.port), to.hostname)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      // That the other end is gone is what this is for.
      one.on('error', () => {})
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('It listens at no port')
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    cut: async (): Promise<void> => {
      const closed = server.listening ? once(server, 'close') : undefined
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
