// CommonJS, as jest's own class is for the type check.
const { readFileSync } = require('node:fs')
const { default: TestSequencer } = require('@jest/test-sequencer')

/** @typedef {Extract<ReturnType<InstanceType<typeof TestSequencer>['sort']>, readonly unknown[]>} Tests */

/** What starts a whole stack or many processes, and so takes long whatever a file's length. */
const HEAVY = /\b(?:openWorld|runStack|startLocalStack|openGround|openTestStack|spawnSync|runCommand)\(/

/**
 * The slowest first, so that no worker ends alone with a long file. Jest does that by the last run's times; before there
 * is one it takes the longest files, and the soak is a short one.
 */
module.exports = class SlowestFirst extends TestSequencer {
  /**
   * @override
   * @param {Tests} tests
   * @returns {Promise<Tests>}
   */
  async sort(tests) {
    const sorted = await super.sort(tests)
    if (sorted.some(({ duration }) => duration !== undefined)) return sorted
    const weights = new Map(sorted.map((test) => [test, weightOf(test)]))
    return sorted.toSorted((a, b) => (weights.get(b) ?? 0) - (weights.get(a) ?? 0))
  }
}

/** @param {Tests[number]} test */
const weightOf = ({ path, context }) =>
  (HEAVY.test(readFileSync(path, 'utf8')) ? 2 : 0) + (context.config.displayName?.name === 'unit' ? 0 : 1)
