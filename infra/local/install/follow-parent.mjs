// Preloaded (--import) into the local stack: when its parent is killed and so cannot pass a signal on, the channel
// between the two closes, and the stack stops as if it had been asked to.
import { isMainThread } from 'node:worker_threads'

if (isMainThread && process.channel != null) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  // Only listens: it must not keep a finished process alive.
  process.channel.unref()
}
