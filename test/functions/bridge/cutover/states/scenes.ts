import type { Guard } from '../fakes/guards.ts'
import type { Scene } from './world.ts'

/** Small enough to be looked at to the end within seconds, together: each has what another one lacks. */
export const SCENES: Readonly<Record<string, Scene>> = {
  'a facade that knows an old route, and a job that sweeps': {
    begins: 'modern',
    wishes: ['put'],
    ...{ facades: [1], flips: 2, sweeps: 1 },
  },
  'sweeps that die half way': { begins: 'legacy', ...{ facades: [], flips: 3, sweeps: 2, deaths: 1 } },
  'sweeps beside plain SQL': { begins: 'legacy', ...{ facades: [], flips: 3, sweeps: 2, legacy: 1 } },
  'a facade that dies, beside plain SQL': {
    begins: 'modern',
    ...{ facades: [1], flips: 1, legacy: 1, deaths: 1 },
  },
  'records that come again, and calls that die': {
    begins: 'legacy',
    ...{ facades: [1], flips: 1, again: 1, deaths: 1 },
  },
  'a writer that does not count, of a key that is away and back': {
    begins: 'modern',
    ...{ facades: [], flips: 2, sweeps: 2, careless: 1 },
  },
  'a writer that does not count beside one that does': {
    begins: 'modern',
    ...{ facades: [1], careless: 1, again: 1 },
  },
  'a put that has no right to be accepted': { begins: 'modern', ...{ facades: [1], flips: 2, foreign: 1 } },
  'a key that is nowhere': { begins: 'absent', ...{ facades: [1], flips: 2, deaths: 1 } },
  'statements of one call, between which others come': {
    begins: 'legacy',
    fine: true,
    ...{ facades: [1], flips: 1, legacy: 1 },
  },
}

/** What is more than that. */
export const LARGE: Readonly<Record<string, Scene>> = {
  'two facades that know old routes, of a legacy key': { begins: 'legacy', ...{ facades: [1, 1], flips: 2 } },
  'two facades that know old routes, of a modern key': {
    begins: 'modern',
    ...{ facades: [1, 1], flips: 2, legacy: 1 },
  },
  'a facade that knows an old route, also of a delete, and a job that sweeps': {
    begins: 'modern',
    ...{ facades: [1], flips: 2, sweeps: 1 },
  },
  'a write that the stream has not brought yet, and sweeps of two moves': {
    begins: 'ahead',
    sideBySide: true,
    ...{ facades: [], flips: 2, sweeps: 2 },
  },
  'such a write, a facade that knows an old route, and a job that sweeps': {
    begins: 'ahead',
    ...{ facades: [1], flips: 2, sweeps: 1 },
  },
  'two sweeps at once, one of which dies, of a legacy key': {
    begins: 'legacy',
    sideBySide: true,
    ...{ facades: [], flips: 3, sweeps: 2, deaths: 1 },
  },
  'two sweeps at once, and a writer that does not count': {
    begins: 'modern',
    sideBySide: true,
    ...{ facades: [], flips: 2, sweeps: 2, careless: 1 },
  },
  'requests of a facade beside a sweep': { begins: 'legacy', ...{ facades: [1], flips: 2, sweeps: 1 } },
  'a key that is made, deleted and made anew': { begins: 'absent', ...{ facades: [2], flips: 2 } },
  'two writes that count, and two that do not': {
    begins: 'modern',
    ...{ facades: [2], careless: 2, again: 1 },
  },
  'statements of one call, between which two facades come': {
    begins: 'legacy',
    fine: true,
    ...{ facades: [1, 1], flips: 1 },
  },
}

/** Without each guard, a scene in which something is lost. */
export const WITHOUT: readonly (readonly [Guard, Scene])[] = [
  ['fence', { begins: 'legacy', facades: [1, 1], flips: 2 }],
  ['claim-order', { begins: 'legacy', facades: [1, 1], flips: 2 }],
  ['epoch-in-claim', { begins: 'modern', facades: [1, 1], flips: 2, legacy: 1 }],
  ['epoch-as-read', { begins: 'ahead', facades: [], flips: 2, sweeps: 2, sideBySide: true }],
  ['content-in-claim', { begins: 'modern', facades: [1], flips: 2, careless: 1 }],
  ['known-absence', { begins: 'legacy', facades: [2], flips: 1, again: 1, deaths: 1 }],
  ['owner-in-write', { begins: 'legacy', facades: [1, 1], flips: 2 }],
  ['version-in-mirror', { begins: 'modern', facades: [2], careless: 2, again: 1 }],
  ['owner-in-mirror', { begins: 'legacy', facades: [], foreign: 1 }],
  ['tombstone', { begins: 'modern', facades: [1, 1], flips: 2, legacy: 1 }],
  ['record-of-delete', { begins: 'legacy', facades: [1], flips: 1, sweeps: 1, wishes: ['delete'] }],
  ['trigger', { begins: 'modern', facades: [1, 1], flips: 2, legacy: 1 }],
  ['lift', { begins: 'modern', facades: [1, 1], flips: 2, legacy: 1 }],
  ['lift-of-delete', { begins: 'modern', facades: [2], careless: 2, again: 1 }],
  ['lift-whatever-the-record', { begins: 'modern', facades: [1, 1], flips: 2, legacy: 1 }],
  ['version-in-lift', { begins: 'modern', facades: [1, 1], flips: 2, legacy: 1 }],
  ['owner-in-lift', { begins: 'modern', facades: [1, 1], flips: 2, legacy: 1 }],
  ['source-of-late', { begins: 'modern', facades: [], flips: 2, sweeps: 2, careless: 1 }],
]
