import type { RowDataPacket } from 'mysql2/promise'
import type { FakeClock } from '../../../infra/local/data-api/fake-clock.ts'
import type { TestAurora } from '../../../support/aurora.ts'
import { processes } from '../../../support/processes.ts'
import { until } from '../../../support/until.ts'

/** Milliseconds after which the service ends a transaction that nobody goes on with. */
const ABANDONED = 180_001

/** Lets the service end what a run has left open. Its time begins a moment after the answer: it is moved on until nothing is open. */
export const endAbandoned = ({ legacy, database }: TestAurora, clock: FakeClock): Promise<void> => {
  let quiet = 0
  return until('no transaction is open', 20_000, async () => {
    clock.advance(ABANDONED)
    const [open] = await legacy.query<RowDataPacket[]>(
      'SELECT trx_mysql_thread_id AS id FROM information_schema.INNODB_TRX',
    )
    const ids = new Set(open.map(({ id }) => Number(id)))
    const isOpen = (await processes(legacy)).some((one) => one.database === database && ids.has(one.id))
    quiet = isOpen ? 0 : quiet + 1
    // MariaDB answers for a tenth of a second with what it has listed before.
    return quiet > 8
  })
}
