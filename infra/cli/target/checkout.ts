import { join, resolve } from 'node:path'
import type { Target } from './target.ts'

/** The checkout that this file is in. */
export const CHECKOUT = resolve(import.meta.dirname, '..', '..', '..')

/** The team's migrations. */
export const MIGRATIONS = join(CHECKOUT, 'sql')

/** The files of this checkout, whatever stack runs. */
export const checkoutTarget: Target = {
  name: 'checkout',
  description: `the checkout in ${CHECKOUT}`,
  outputs: {},
}
