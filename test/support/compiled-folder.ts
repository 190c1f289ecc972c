import { join } from 'node:path'

/** Where what V8 has made of modules is kept from run to run, types stripped, by the modules' content. */
export const compiledFolder = join(
  import.meta.dirname,
  '..',
  '..',
  'node_modules',
  '.cache',
  'backsync',
  'compiled',
)
