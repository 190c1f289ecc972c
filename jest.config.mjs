import { readLanes, readOneEngine } from './test/support/lanes.ts'
import { isProving, times } from './test/support/runs.ts'

/** @typedef {import('./test/support/lanes.ts').Lane} Lane */

const lanes = readLanes(import.meta.dirname)
/** Whether the tests that use MySQL run a second time, on another one. */
const isAgain = process.env.BACKSYNC_AGAIN !== undefined
const common = {
  rootDir: import.meta.dirname,
  roots: ['<rootDir>/test'],
  // Node itself loads the modules, each once for all files of a worker.
  runtime: '<rootDir>/test/support/realm/runtime.cjs',
  testEnvironment: '<rootDir>/test/support/realm/environment.ts',
  // Node's own streams go by the ticks of the one process that there is.
  fakeTimers: { doNotFake: ['nextTick'] },
  // Whole proofs that take a minute each; `npm run prove` plays them, and whoever names one.
  testPathIgnorePatterns: [
    ...(isProving || process.argv.some((arg) => arg.includes('.long.test')) ? [] : ['\\.long\\.test\\.ts$']),
    ...(isAgain
      ? readOneEngine(import.meta.dirname).map((path) => `^${path.replaceAll(/[^\w/-]/g, '\\$&')}$`)
      : []),
  ],
  injectGlobals: false,
  setupFiles: [
    '<rootDir>/test/support/compile-cache.ts',
    '<rootDir>/test/support/without-validation.ts',
    ...(isProving ? ['<rootDir>/test/support/global-runs.ts'] : []),
  ],
  transform: {},
}

/** @param {Exclude<Lane, 'unit'>} lane */
const withServers = (lane) => ({
  ...common,
  displayName: lane,
  testMatch: lanes[lane],
  globalSetup: `<rootDir>/test/support/global-setup/${lane}.ts`,
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
})

export default {
  coverageProvider: 'v8',
  // What no test loads counts as well.
  collectCoverageFrom: ['functions/**/*.ts', 'infra/**/*.ts'],
  coverageReporters: ['text-summary', 'lcov'],
  // Of a project it would be overlooked.
  testTimeout: times(30_000),
  testSequencer: '<rootDir>/test/support/sequencer.cjs',
  // A worker keeps each test file's modules, and one with much memory ends so late that jest calls that a leak.
  workerIdleMemoryLimit: '1GB',
  projects: [
    {
      ...common,
      displayName: 'unit',
      // All but the others': a file that is added while jest watches is found.
      testMatch: ['**/*.test.ts', ...[...lanes.dynamodb, ...lanes.mysql].map((path) => `!${path}`)],
    },
    withServers('dynamodb'),
    withServers('mysql'),
  ],
}
