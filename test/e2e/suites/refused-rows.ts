import { beforeAll, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { inLanes } from '../../../functions/bridge/runtime/lanes.ts'
import { runHere } from '../../infra/cli/harness.ts'
import { send } from '../../support/stack.ts'
import { until } from '../../support/until.ts'
import type { World } from '../world.ts'

/** The whole way: the modern API, the stream, the event source, the legacy handler, and the command. */
export const refusedRowsSuite = (world: () => World): void => {
  describe('rows that a trigger of the legacy application refuses', () => {
    beforeAll(async () => {
      const { legacy } = world()
      await legacy.query('DELETE FROM cheftable')
      await legacy.query(`CREATE TRIGGER choosy BEFORE INSERT ON cheftable FOR EACH ROW
      IF NEW.cheflast = 'hunter2' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no hunters'; END IF`)
      await legacy.query('ALTER TABLE cheftable MODIFY cheffirst VARCHAR(10)')
    })

    const list = async (): Promise<string> => {
      const { stdout, stderr } = await runHere(world().home, 'parked', 'list')
      return stderr + stdout
    }
    const chef = (side: string, firstName: string, lastName: string) =>
      send('POST', `${world().stack.url}/${side}/chefs`, { firstName, lastName })

    it('are listed, twenty among twenty good ones, and hold up none of these', async () => {
      const made = await inLanes(
        Array.from({ length: 40 }, (_, at) => at),
        4,
        (at) => chef('dynamo', `n${at}`, at % 2 === 0 ? 'hunter2' : 'good'),
      )
      expect(new Set(made.map(({ status }) => status))).toEqual(new Set([201]))
      await until('the good ones are in Aurora', 60_000, async () => {
        const [rows] = await world().legacy.query<RowDataPacket[]>(
          "SELECT id FROM cheftable WHERE cheflast = 'good'",
        )
        return rows.length === 20
      })
      let listed = ''
      await until('the bad ones are listed', 60_000, async () => {
        listed = await list()
        return (listed.match(/mysql\.1644/g)?.length ?? 0) === 20
      })
      expect(listed).not.toContain('hunter2')
    }, 150_000)

    it('are named with their column where they have one: in the list, and to a client, without the value', async () => {
      const refused = await chef('aurora', 'far too long for it', 'good')
      expect(refused.status).toBe(422)
      expect(refused.json().errors).toEqual([
        { pointer: '/firstName', detail: 'firstName (column cheffirst) is too long' },
      ])
      expect((await chef('aurora', 'n', 'hunter2')).status).toBe(422)

      expect((await chef('dynamo', 'far too long for it', 'good')).status).toBe(201)
      let listed = ''
      await until('it is listed', 60_000, async () => {
        listed = await list()
        return listed.includes('mysql.1406')
      })
      expect(listed).toContain('firstName (column cheffirst) is too long')
      expect([refused.text, listed, world().stack.output()].join('')).not.toContain('far too long')
    }, 150_000)
  })
}
