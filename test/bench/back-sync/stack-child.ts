import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalStack } from '../../../infra/local/stack.ts'
import { testApp } from '../../fixtures/team.ts'

/* The whole local stack in a process of its own, as `npm start` runs it; says on one line where everything is. */

process.env.TZ = 'UTC'
const home = await mkdtemp(join(tmpdir(), 'backsync-bench-stack-'))
const stack = await startLocalStack({
  home,
  app: testApp,
  log: (line) => console.error(line),
  consent: async () => {},
})
const { endpoints, tables, clusters, servers, outputs } = stack
console.log(JSON.stringify({ endpoints, tables, clusters, servers, outputs, pid: process.pid }))

const stop = (): void => {
  void stack
    .close()
    .then(() => rm(home, { recursive: true, force: true }))
    .finally(() => process.exit(0))
}
process.once('SIGTERM', stop).once('SIGINT', stop)
