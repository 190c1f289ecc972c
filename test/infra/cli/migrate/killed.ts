import { expect } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { clearForty, expectFortyOnce, FORTY } from '../../../functions/bridge/migrations/forty.ts'
import { processes } from '../../../support/processes.ts'
import { until } from '../../../support/until.ts'
import { openTestStack } from '../harness.ts'
import { openMigrationsFolder } from './harness.ts'

/** A stack, a file of forty statements, and what a run of it that is killed leaves to the next. */
export const openKilled = async () => {
  const stack = await openTestStack()
  const folder = await openMigrationsFolder()
  folder.write('0100_forty', FORTY)
  const { legacy } = stack.aurora
  const args = ['--yes', '--direct', `mysql://root@${stack.aurora.host}:${stack.aurora.port}`]
  const up = ['migrate', 'up', ...args, '--folder', folder.path]
  const rows = async (query: string): Promise<RowDataPacket[]> =>
    (await legacy.query<RowDataPacket[]>(query))[0]
  const endTransactions = (): Promise<void> =>
    until('no transaction is open', 20_000, async () => {
      const trx = await rows('SELECT trx_mysql_thread_id AS id FROM information_schema.INNODB_TRX')
      const open = new Set(trx.map(({ id }) => Number(id)))
      const left = (await processes(legacy)).filter(
        ({ id, database }) => database === stack.aurora.database && open.has(id),
      )
      // Others are at work on what was sent last.
      for (const { id, command } of left) if (command === 'Sleep') await legacy.query(`KILL ${id}`)
      return left.length === 0
    })
  return {
    stack,
    clear: () => clearForty(stack.aurora),
    /** Kills a run, by a signal that nobody catches, once so many statements of it have been sent to the Data API. */
    killAfter: async (sent: number): Promise<'killed' | 'ended'> => {
      const before = stack.aurora.sent()
      const running = stack.start(...up)
      const watching = setInterval(() => {
        if (stack.aurora.sent() >= before + sent) running.child.kill('SIGKILL')
      }, 1)
      const { code } = await running.ended
      clearInterval(watching)
      return code === null ? 'killed' : 'ended'
    },
    /** The next run, as some minutes later: the lease is over, and the service has ended the transaction that nobody goes on with. */
    goOn: async (): Promise<void> => {
      await endTransactions()
      await legacy.query(
        "UPDATE backsync_migration_lock SET leased_until = NOW(3) - INTERVAL 1 SECOND WHERE owner <> ''",
      )
      const { code, stderr } = await stack.run(...up)
      expect([code, stderr.replaceAll(/^.*: done in .*$\n/gm, '')]).toEqual([0, expect.any(String)])
    },
    expectOnce: () => expectFortyOnce(stack.aurora),
    close: async (): Promise<void> => {
      await folder.remove()
      await stack.close()
    },
  }
}
