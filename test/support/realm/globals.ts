import { findGlobal } from './current.ts'

/* Stands for `@jest/globals` where one test file only imports it: jest's functions for that file. */

export const afterAll = findGlobal(['afterAll'])
export const afterEach = findGlobal(['afterEach'])
export const beforeAll = findGlobal(['beforeAll'])
export const beforeEach = findGlobal(['beforeEach'])
export const describe = findGlobal(['describe'])
export const it = findGlobal(['it'])
export const test = findGlobal(['test'])
export const jest = findGlobal(['jest'])
export const expect = findGlobal(['expect'])
