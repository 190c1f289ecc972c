import { readLanes } from './test/support/lanes.ts'
import { isProving, times } from './test/support/runs.ts'

/** @typedef {import('./test/support/lanes.ts').Lane} Lane */

const lanes = readLanes(import.meta.dirname)
const common = {
  rootDir: import.meta.dirname,
  roots: ['<rootDir>/test'],
  testEnvironment: 'node',
  // Whole proofs that take a minute each; `npm run prove` plays them, and whoever names one.
  testPathIgnorePatterns:
    isProving || process.argv.some((arg) => arg.includes('.long.test')) ? [] : ['\\.long\\.test\\.ts$'],
  injectGlobals: false,
  // The product's modules get the tests' lists in the place of a team's.
  moduleNameMapper: {
    '^(?:\\.\\./)+(?:functions/)?(entities|tables)/index\\.ts$': '<rootDir>/test/fixtures/$1/index.ts',
  },
  setupFiles: [
    '<rootDir>/test/support/compile-cache.ts',
    ...(isProving ? ['<rootDir>/test/support/global-runs.ts'] : []),
  ],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2024' },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
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
  // A worker keeps some of each test file's modules, and one with much memory ends so late that jest calls that a leak.
  workerIdleMemoryLimit: '600MB',
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
