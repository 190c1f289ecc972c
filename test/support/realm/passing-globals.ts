import { findGlobal, passOn } from './current.ts'

/*
 * Stands for `@jest/globals` in a module that test files share. It is loaded once for all files of a worker, and jest
 * makes its functions anew for each file: these pass each call on to those of the file that runs.
 */

export const afterAll = passOn('afterAll')
export const afterEach = passOn('afterEach')
export const beforeAll = passOn('beforeAll')
export const beforeEach = passOn('beforeEach')
export const describe = passOn('describe')
export const it = passOn('it')
export const test = passOn('test')
export const jest = passOn('jest')
/** Itself: that one is the same for all files. */
export const expect = findGlobal(['expect'])
