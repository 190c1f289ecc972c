import { compiledFolder } from './compiled-folder.ts'

/*
 * Lets every process that a test starts keep what V8 has made of the modules: half of what a command or a synthesis takes.
 * Whoever sets the variable has another folder. In a test's own environment, not in jest's: the workers keep theirs by
 * themselves (realm/runtime.cjs), after each file.
 */
process.env.NODE_COMPILE_CACHE ??= compiledFolder
