import { answering } from '../bridge/runtime/team-handler.ts'
import { handler as team } from './legacy-module.ts'

/** A team's own handler, as a function by itself. */
export const handler = answering(team)
