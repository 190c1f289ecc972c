import { hostname, userInfo } from 'node:os'

/** Who runs this command, for those who meet a job that it holds: `ada@build-3, process 4711`. */
export const whoami = (): string => `${userName()}@${hostname()}, process ${process.pid}`

const userName = (): string => {
  try {
    return userInfo().username
  } catch (error) {
    // A container's user may have a number only.
    if (error instanceof Error && 'syscall' in error) return String(process.getuid?.() ?? 'somebody')
    throw error
  }
}
