import { describe } from '@jest/globals'
import { showsTheFigures } from './figures-suite.ts'

describe('the guard, in a few hundred simulated runs', () => {
  showsTheFigures({ quiet: 210, planted: 60 })
})
