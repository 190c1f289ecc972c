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
    if (sorted.some(({ duration }) => duration !== undefined)) return interleaved(sorted)
    const weights = new Map(sorted.map((test) => [test, weightOf(test)]))
    return interleaved(sorted.toSorted((a, b) => (weights.get(b) ?? 0) - (weights.get(a) ?? 0)))
  }
}

/** What mostly waits says so at its top, and needs no place at the cores: see realm/places.ts. */
const WAITS = /^\/\*\*(?:(?!\*\/)[\s\S])*@waits\b/
/** Of others, how many stand between two that wait: about as long as one of these takes. */
const BETWEEN = 3

/**
 * Spreads what waits over the others, from the third place on: together they would leave the cores idle.
 *
 * @param {Tests} tests
 * @returns {Tests}
 */
const interleaved = (tests) => {
  const { waiting = [], others = [] } = Object.groupBy(tests, ({ path }) =>
    WAITS.test(readFileSync(path, 'utf8')) ? 'waiting' : 'others',
  )
  const rest = [...waiting]
  return [
    ...others.flatMap((test, at) =>
      at > 0 && (at - 1) % BETWEEN === 0 ? [test, ...rest.splice(0, 1)] : [test],
    ),
    ...rest,
  ]
}

/** @param {Tests[number]} test */
const weightOf = ({ path, context }) =>
  (HEAVY.test(readFileSync(path, 'utf8')) ? 2 : 0) + (context.config.displayName?.name === 'unit' ? 0 : 1)
