import type { openWake as opened } from '../../../functions/bridge/mirror/open-wake.ts'

/** In the place of `mirror/open-wake` where the relay stays: nobody has to wake it, and a client of Lambda need not be loaded. */
export const openWake: typeof opened = () => ({ behind: async () => undefined })
