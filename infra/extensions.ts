import type { Extension } from './constructs/extension.ts'
import { sampleExtensions } from './sample/extensions.ts'

/** What the stack has beside what Backsync makes: functions, and routes to them. */
export const extensions: readonly Extension[] = [...sampleExtensions]
