import { describe } from '@jest/globals'
import { findsThePlanted } from './planted-suite.ts'

describe('verifying a hundred thousand rows of which a hundred differ, while others are written', () => {
  findsThePlanted(100_000, 10)
})
