import type { openSides as opened } from '../../../functions/bridge/cutover/open-sides.ts'

/** In the place of `cutover/open-sides` where no function serves a side: a client of Lambda need not be loaded. */
export const openSides: typeof opened = () => undefined
