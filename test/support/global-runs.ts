import fc from 'fast-check'
import { runs } from './runs.ts'

// For the properties that say nothing of their own. Loaded into each test file by `npm run prove` only.
fc.configureGlobal(runs(100))
