import { stopKept } from './kept-servers.ts'

/** Runs once after all test files, in the same process as the global setup. */
export default stopKept
