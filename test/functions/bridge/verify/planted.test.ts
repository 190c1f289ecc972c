import { describe } from '@jest/globals'
import { findsThePlanted } from './planted-suite.ts'

describe('verifying three thousand rows of which some differ, while others are written', () => {
  findsThePlanted(3_000, 2)
})
