import { describe } from '@jest/globals'
import { showsTheFigures } from './figures-suite.ts'

describe('the guard, in ten thousand quiet simulated runs', () => {
  showsTheFigures({ quiet: 10_000, planted: 1_000 })
})
