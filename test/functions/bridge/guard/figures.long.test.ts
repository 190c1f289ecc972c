import { describe } from '@jest/globals'
import { times } from '../../../support/runs.ts'
import { showsTheFigures } from './figures-suite.ts'

/** Of a short proof; a long one has three times as many. */
const QUIET = times(3_400)

describe(`the guard, in ${QUIET} quiet simulated runs`, () => {
  showsTheFigures({ quiet: QUIET, planted: times(340) })
})
