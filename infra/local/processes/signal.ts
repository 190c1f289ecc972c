import { hasCode } from './identity.ts'

/**
 * Sends a signal to a process group, by its leader's number.
 *
 * @returns false when there is no such group any more
 */
export const signalGroup = (pid: number, signal: NodeJS.Signals): boolean => {
  try {
    process.kill(-pid, signal)
    return true
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return false
    // macOS answers EPERM for a group whose members are all zombies.
    if (hasCode(error, 'EPERM') && process.platform === 'darwin') return false
    throw error
  }
}
