import type { CommandGroup } from '../conventions/command.ts'
import { parked } from './parked/index.ts'

/** Every command there is. A new one is a file, and a place in its group's list. */
export const groups: readonly CommandGroup[] = [parked]
