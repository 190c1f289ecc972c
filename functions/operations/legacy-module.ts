import type { TeamHandler } from '../bridge/runtime/team-handler.ts'

/** Where a team's module stands in the package of its own function. */
export const handler: TeamHandler = () => {
  throw new Error("This package has no team's module")
}
