import type { Scene } from './simulation.ts'

const FEW = { error: 0.001, wrongField: 0, tooSlow: 0.004 }
const RAMP = [0.01, 0.05, 0.2, 0.5, 1]

/** What routes do while nothing is wrong with their cohort. */
export const SCENES: readonly Scene[] = [
  {
    ...{ name: 'nothing is ever bad, over a ramp', shares: RAMP, late: 0 },
    base: { error: 0, wrongField: 0, tooSlow: 0 },
  },
  { name: 'a few are bad, over a ramp', shares: RAMP, base: FEW, late: 0.002 },
  {
    ...{ name: 'as many are bad as is usual, without a control', shares: [1], late: 0.01 },
    base: { error: 0.005, wrongField: 0.005, tooSlow: 0.02 },
  },
  {
    ...{ name: 'as many are bad as is usual, half and half', shares: [0.5], late: 0.01 },
    base: { error: 0.005, wrongField: 0.005, tooSlow: 0.02 },
  },
  {
    ...{ name: 'far more than usual are bad at both, over a ramp', shares: RAMP, late: 0.002 },
    base: { error: 0.03, wrongField: 0.005, tooSlow: 0.06 },
  },
  {
    ...{ name: 'both fail for a while, over a ramp', shares: [0.05, 0.2, 0.5], base: FEW, late: 0.002 },
    spell: { of: 'error', lasts: 300, chance: 0.3 },
  },
  {
    ...{ name: 'both are slow for a while, over a ramp', shares: [0.05, 0.2, 0.5], base: FEW, late: 0.002 },
    spell: { of: 'tooSlow', lasts: 300, chance: 0.6 },
  },
]
