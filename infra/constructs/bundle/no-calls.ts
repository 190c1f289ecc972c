import type { openCalling as opened } from '../../../functions/bridge/legacy-function/open.ts'

/** Stands for what calls functions of a team's own, with the client of Lambda, where no entity has one. */
export const openCalling: typeof opened = () => () => {
  throw new Error('No entity of this package has a legacyFunction')
}
