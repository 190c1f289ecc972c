import { join } from 'node:path'

/*
 * Lets every process that a test starts keep what V8 has made of the modules, types stripped: half of what a command or a
 * synthesis takes. Keyed by the modules' content. Whoever sets the variable has another folder. In a test's own
 * environment, not in jest's: a worker that had it would write its modules down at its end, and jest takes one that ends
 * slowly for one that leaks.
 */
process.env.NODE_COMPILE_CACHE ??= join(
  import.meta.dirname,
  '..',
  '..',
  'node_modules',
  '.cache',
  'backsync',
  'compiled',
)
