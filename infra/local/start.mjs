// `npm start`, on any Node >= 18 and with nothing installed: node: modules only, and JavaScript.
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ensurePackages, InstallError, nodeBinary } from '../install/packages.mjs'
import { runInForeground } from './install/foreground.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')

try {
  await ensurePackages({ root, log: (line) => console.log(line) })
  const preload = `--import=${pathToFileURL(join(here, 'install', 'follow-parent.mjs'))}`
  const args = [preload, join(here, 'main.ts'), ...process.argv.slice(2)]
  process.exitCode = await runInForeground(nodeBinary(root), args)
} catch (error) {
  if (!(error instanceof InstallError)) throw error
  console.error(error.output)
  console.error(error.message)
  process.exitCode = 1
}
