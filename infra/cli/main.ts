import { commands } from './commands/index.ts'
import { EXIT } from './conventions/exit-codes.ts'
import { watchForInterrupt } from './conventions/interrupt.ts'
import { type Io, ignoreClosedPipe } from './conventions/io.ts'
import { runProgram } from './conventions/program.ts'

/** The command `backsync`. The process ends by itself once its output is written; interrupted, it waits for no answer. */
const io: Io = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: process.env }
ignoreClosedPipe(process.stdout)
const interrupt = watchForInterrupt(process)
try {
  process.exitCode = await runProgram(process.argv.slice(2), commands, { io, interrupt: interrupt.signal })
} finally {
  interrupt.stop()
}
if (process.exitCode === EXIT.interrupted) process.exit()
