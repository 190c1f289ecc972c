import { openDynamo } from '../../../functions/bridge/drivers/dynamo/client.ts'
import { DynamoParking } from '../../../functions/bridge/parking/dynamo-parking.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { outputOf, type Target } from './target.ts'

/** The parking table of a stack. */
export const openParking = (target: Target): DynamoParking =>
  new DynamoParking({
    client: openDynamo(),
    table: outputOf(target, 'ParkingTableName'),
    // A command may take as long as it needs; each of its calls is bounded by itself.
    deadline: new Deadline(),
  })
