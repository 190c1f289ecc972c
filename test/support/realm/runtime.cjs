// CommonJS, as jest's own class is for the type check.
const { createRequire, enableCompileCache, flushCompileCache, registerHooks } = require('node:module')
const { fileURLToPath, pathToFileURL } = require('node:url')
const { default: Runtime } = require('jest-runtime')
require('../../fixtures/hook.mjs')
const { compiledFolder } = require('../compiled-folder.ts')
const { startCounting, takeCounts } = require('./coverage.ts')
const { fileNumber, useGlobals } = require('./current.ts')

/** @typedef {ReturnType<Runtime['getAllV8CoverageInfoCopy']>} CoverageOfFiles */

const own = pathToFileURL(require.resolve('./globals.ts')).href
const passing = pathToFileURL(require.resolve('./passing-globals.ts')).href
/**
 * How often each file was imported: once more is under another URL, or Node would not run it.
 *
 * @type {Map<string, number>}
 */
const imported = new Map()

/** What jest keeps of a file at the global object, once the file has asked for it. */
const OF_A_FILE = [
  'RETRY_TIMES',
  'RETRY_IMMEDIATELY',
  'WAIT_BEFORE_RETRY',
  'LOG_ERRORS_BEFORE_RETRY',
  'TEST_TIMEOUT_SYMBOL',
].map((name) => Symbol.for(name))

/** The modules of the Lambda functions: each takes its settings from the environment when it is loaded. */
const HANDLERS = /\/functions\/(?:operations\/[^/]+|[^?]*\/handler)\.ts$/

/** Who gets the functions of the file that runs themselves, so that a stack begins with the test's own line. */
const OF_ONE_FILE = /\.test\.ts(?:\?|$)|\/@fast-check\/jest\/[^?]*\?file=/

registerHooks({
  resolve: (specifier, context, next) => {
    const ofOneFile = OF_ONE_FILE.test(context.parentURL ?? '')
    const file = `?file=${fileNumber()}`
    if (specifier === '@jest/globals') return { url: ofOneFile ? own + file : passing, shortCircuit: true }
    const resolved = next(specifier, context)
    // Each test file sets up an environment of its own, and gets functions of its own.
    const anew = HANDLERS.test(resolved.url) || (ofOneFile && resolved.url.includes('/@fast-check/jest/'))
    return anew ? { ...resolved, url: resolved.url + file } : resolved
  },
})

/**
 * How a test file is run: as jest does it, but that modules are loaded by Node itself, in the worker's own realm. What
 * tests import is loaded once for all files of a worker.
 */
module.exports = class NodeRuntime extends Runtime {
  #testPath
  /** Whether a file's coverage is asked for. */
  #counts
  /** @type {CoverageOfFiles} */
  #coverage = []
  /** @type {PropertyKey[]} */
  #globals = [...OF_A_FILE]

  /** @param {ConstructorParameters<typeof Runtime>} args */
  constructor(...args) {
    super(...args)
    const [config, , , , , options, testPath] = args
    // What was compiled before has no counts of its branches.
    if (!options.collectCoverage) enableCompileCache(compiledFolder)
    this.#testPath = testPath
    this.#counts = (/** @type {string} */ file) => Runtime.shouldInstrument(file, options, config)
  }

  /** @override */
  unstable_shouldLoadAsEsm() {
    return true
  }

  /**
   * @override
   * @param {string} path
   * @returns {Promise<unknown>}
   */
  async unstable_importModule(path) {
    const { href } = pathToFileURL(path)
    const times = imported.get(href) ?? 0
    imported.set(href, times + 1)
    return import(times === 0 ? href : `${href}?${times}`)
  }

  /**
   * Jest's own, and anew for each file: it keeps the file's tests in its modules.
   *
   * @override
   * @template T
   * @param {string} path
   * @returns {T}
   */
  requireInternalModule(path) {
    const before = new Set(Reflect.ownKeys(globalThis))
    const anew = createRequire(__filename)
    delete anew.cache[path]
    const loaded = anew(path)
    this.#globals.push(...Reflect.ownKeys(globalThis).filter((key) => !before.has(key)))
    return loaded
  }

  /**
   * @override
   * @template T
   * @param {string} from
   * @param {string} [name]
   * @returns {T}
   */
  requireModule(from, name = from) {
    return createRequire(from)(name)
  }

  /**
   * @override
   * @param {Parameters<Runtime['setGlobalsForRuntime']>[0]} functions
   */
  setGlobalsForRuntime(functions) {
    super.setGlobalsForRuntime(functions)
    useGlobals(super.requireModuleOrMock(this.#testPath, '@jest/globals'))
  }

  /** @override */
  teardown() {
    super.teardown()
    // Now, not when the worker ends: jest takes one that ends slowly for one that leaks.
    flushCompileCache()
    for (const key of this.#globals) Reflect.deleteProperty(globalThis, key)
  }

  /** @override */
  collectV8Coverage() {
    return startCounting()
  }

  /** @override */
  async stopCollectingV8Coverage() {
    this.#coverage = (await takeCounts()).flatMap((script) => {
      if (!script.url.startsWith('file:')) return []
      const file = fileURLToPath(script.url)
      return this.#counts(file) ? [{ codeTransformResult: undefined, result: { ...script, url: file } }] : []
    })
  }

  /** @override */
  getAllV8CoverageInfoCopy() {
    return this.#coverage
  }
}
