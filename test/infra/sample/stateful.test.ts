import { describe, it } from '@jest/globals'
import { sampleEntities } from '../../../functions/sample/entities.ts'
import { sampleProjections, sampleTables } from '../../../functions/sample/tables/index.ts'
import { sampleExtensions } from '../../../infra/sample/extensions.ts'
import { deployedBy, expectKept, stages } from '../fixtures/deployed.ts'
import { synthesise } from '../fixtures/synthesise.ts'

/** A mirrored entity's deleted items end by themselves. Turning that on replaces no table, and no item of before has the attribute. */
const ends = { TimeToLiveSpecification: { AttributeName: 'backsync_expires', Enabled: true } }

/** The sample is deployed by whoever tries Backsync out; its tables are as little to be lost as a team's. */
describe.each(stages)('an update of a deployed %s stack with the sample', (stage, context) => {
  it("leaves the sample's tables and all else in their place: those of 0.1.0", () => {
    expectKept(
      deployedBy('0.1.0', stage),
      synthesise(context, sampleEntities, {
        tables: sampleTables,
        projections: sampleProjections,
        extensions: sampleExtensions,
      }).template,
      { ChefTable2AF86A08: ends, RecipeTable1DF111D7: ends },
    )
  })
})
