import { afterAll, beforeAll, describe } from '@jest/globals'
import { commandsSuite } from './suites/commands.ts'
import { contractSuite } from './suites/contract.ts'
import { followedCopySuite } from './suites/followed-copy.ts'
import { refusedRowsSuite } from './suites/refused-rows.ts'
import { tablesSuite } from './suites/tables.ts'
import { openWorld, type World } from './world.ts'

/*
 * One stack for all of them: to start one takes longer than most of them do. Each begins with what it needs and leaves
 * nothing parked; the last one makes the legacy schema choosy.
 */
describe('a whole stack over a database that the legacy application has used before', () => {
  let opened: World | undefined
  const world = (): World => {
    if (opened === undefined) throw new Error('the stack has not started')
    return opened
  }
  beforeAll(async () => {
    opened = await openWorld(async (legacy) => {
      await legacy.query(
        'CREATE TABLE cheftable (id BIGINT AUTO_INCREMENT, cheffirst VARCHAR(255), cheflast VARCHAR(255), PRIMARY KEY (id))',
      )
      await legacy.query("INSERT INTO cheftable VALUES (NULL, 'Gordon', 'Ramsay')")
    })
  }, 150_000)
  afterAll(() => opened?.close(), 30_000)

  contractSuite(world)
  tablesSuite(world)
  commandsSuite(world)
  followedCopySuite(world)
  refusedRowsSuite(world)
})
