import type { Clock } from './clock.ts'
import { DataApiError } from './errors.ts'
import { limits } from './limits.ts'
import type { Session } from './session.ts'

/**
 * Waits for a statement as long as a call may take: 45 s.
 *
 * @param continueAfterTimeout lets the statement run on when the call has failed
 * @throws StatementTimeoutException with `dbConnectionId`; otherwise what `running` throws
 */
export const withinLimit = <T>(
  running: Promise<T>,
  {
    session,
    clock,
    continueAfterTimeout,
    onTimeout,
  }: { session: Session; clock: Clock; continueAfterTimeout: boolean; onTimeout: () => void },
): Promise<T> =>
  new Promise((resolve, reject) => {
    const cancel = clock.after(limits.statementMs, () => {
      onTimeout()
      // A session that can't be told to stop is cut: the server then ends its statement itself.
      if (!continueAfterTimeout) session.stop().catch(() => session.destroy())
      reject(
        new DataApiError('StatementTimeoutException', 'Request timed out', {
          members: { dbConnectionId: session.id },
        }),
      )
    })
    void running.then(resolve, reject).finally(cancel)
  })
