import type { openRunner as opened } from '../../../functions/bridge/migrations/open-runner.ts'

/** In the place of `migrations/open-runner` where no function runs statements: a client of Lambda need not be loaded. */
export const openRunner: typeof opened = () => undefined
