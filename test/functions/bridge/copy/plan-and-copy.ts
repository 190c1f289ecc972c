import { type CopyParts, runCopy } from '../../../../functions/bridge/copy/copy.ts'
import { planCopy } from '../../../../functions/bridge/copy/copy-plan.ts'
import type { CopyReport } from '../../../../functions/bridge/copy/copy-report.ts'
import type { CopyRequest } from '../../../../functions/bridge/copy/copy-request.ts'

/** A copy whose plan nobody looks at. */
export const planAndCopy = async (request: CopyRequest, parts: CopyParts): Promise<CopyReport> =>
  runCopy(await planCopy(request, parts.clients, parts), parts)
