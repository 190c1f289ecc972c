import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import * as z from 'zod'
import { commands as entries } from '../../../../infra/cli/commands/index.ts'
import { type CommandGroup, defineCommand, type Entry } from '../../../../infra/cli/conventions/command.ts'
import { EXIT } from '../../../../infra/cli/conventions/exit-codes.ts'
import { runProgram } from '../../../../infra/cli/conventions/program.ts'
import { acquireLock } from '../../../../infra/local/processes/lock.ts'
import { makeFolder } from '../../../support/folder.ts'
import { fakeTerminal } from './terminal.ts'

const run = async (args: readonly string[], of: readonly Entry[] = entries) => {
  const terminal = fakeTerminal(false, { BACKSYNC_HOME: '/nowhere' })
  const code = await runProgram(args, of, { io: terminal.io, interrupt: new AbortController().signal })
  return { code, stdout: terminal.stdout(), stderr: terminal.stderr() }
}

describe('the command backsync', () => {
  it.each([[['--help']], [['parked', '--help']], [['help', 'parked']]])(
    '%j explains itself on stdout',
    async (args) => {
      const { code, stdout, stderr } = await run(args)
      expect([code, stderr]).toEqual([0, ''])
      expect(stdout).toMatch(/^Usage: backsync/)
    },
  )

  const commands = entries.flatMap((entry) =>
    'commands' in entry
      ? entry.commands.map((command) => ({ path: [entry.name, command.name], command }))
      : [{ path: [entry.name], command: entry }],
  )

  it.each(commands)(
    '$path has examples, exit codes, and the options that all have',
    async ({ path, command }) => {
      const { code, stdout } = await run([...path, '--help'])

      expect(code).toBe(0)
      for (const text of ['--json', '--debug', 'Exit codes:']) expect(stdout).toContain(text)
      for (const text of ['--stack <name>', '--profile <name>', '--region <name>'])
        expect(stdout.includes(text)).toBe(command.on !== 'checkout')
      expect(command.examples.length).toBeGreaterThan(0)
      for (const example of command.examples) {
        expect(stdout).toContain(`npx ${example}`)
        expect(example).toMatch(new RegExp(`^backsync ${path.join(' ')}\\b`))
      }
      for (const option of ['--dry-run', '--yes']) expect(stdout.includes(option)).toBe(command.writes)
    },
  )

  // What works on the checkout would do so on this very one; what works on either asks a stack with --schema.
  const onStacks = commands.flatMap(({ command: { on, examples } }) =>
    on === 'either'
      ? examples.filter((example) => example.includes(' --schema'))
      : on === 'checkout'
        ? []
        : examples,
  )

  it.each(onStacks)('takes its own example: %s', async (example) => {
    const { code, stderr } = await run(example.split(' ').slice(1))

    // As far as to the stack, which isn't there.
    expect(stderr).toMatch(/^backsync: no stack runs in \/nowhere; start one with npm start.*\n$/)
    expect(code).toBe(1)
  })

  it.each<[string[], RegExp]>([
    [['prakd'], /^backsync: unknown command 'prakd' \(Did you mean parked\?\); see --help\n$/],
    [['parked', 'list', '--frob'], /^backsync: unknown option '--frob'; see --help\n$/],
    [['parked', 'list', 'x'], /^backsync: too many arguments.*; see --help\n$/],
    [['parked', 'show', 'chef'], /^backsync: missing required argument 'key'; see --help\n$/],
    [
      ['parked', 'show', 'dish', '1'],
      /^backsync: unknown entity dish; known are .*chef.*; see backsync parked show --help\n$/,
    ],
    [['parked', 'list', '--class', 'x'], /^backsync: unknown class x; known are data, dependency; see .*\n$/],
    [
      ['parked', 'retry', '--json', '--class', 'x', '--', 'dish'],
      /^backsync: unknown entity dish.*unknown class x.*\n$/,
    ],
    [
      ['parked', 'list', '--region', 'x'],
      /^backsync: --profile and --region belong to a deployed stack; name it with --stack\n$/,
    ],
  ])('%j is wrong usage: one line on stderr', async (args, text) => {
    expect(await run(args)).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(text) })
  })

  it.each([[[]], [['parked']]])('%j without a command is wrong usage, and gets the help', async (args) => {
    const { code, stdout, stderr } = await run(args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^Usage: backsync/)
  })

  it('has commands of its own beside groups, and tells each how it was called', async () => {
    const folder = await makeFolder()
    const lock = await acquireLock(join(folder.path, 'stack.lock'))
    const endpoints = { dynamodb: '', rdsData: '', secretsManager: '' }
    await writeFile(join(folder.path, 'stack.json'), JSON.stringify({ endpoints, outputs: {} }))
    const told: string[] = []
    const command = (name: string) =>
      defineCommand({
        name,
        summary: 'Tells.',
        arguments: [{ name: '<of>', summary: 'what' }],
        writes: true,
        examples: [],
        input: { arguments: z.tuple([z.string()]), options: z.object({}) },
        run: async (context) => {
          told.push(context.goOn)
          return EXIT.done
        },
      })
    const group = { name: 'group', summary: 'Some.', commands: [command('tell')] }
    for (const args of [
      ['tell', 'a b', '--yes'],
      ['group', 'tell', 'x'],
    ]) {
      const { io } = fakeTerminal(false, { BACKSYNC_HOME: folder.path })
      const { signal } = new AbortController()
      expect(await runProgram(args, [group, command('tell')], { io, interrupt: signal })).toBe(0)
    }
    await lock.release()
    await folder.remove()

    expect(told).toEqual(["npx backsync tell 'a b' --yes", 'npx backsync group tell x'])
  })

  describe('interrupted while it works', () => {
    /** A command that ends when it is told to, or never. */
    const working = (writes: boolean, run: (interrupt: AbortSignal) => Promise<void>): CommandGroup => ({
      name: 'job',
      summary: 'A job.',
      commands: [
        defineCommand({
          name: 'run',
          summary: 'Runs.',
          writes,
          examples: ['backsync job run'],
          input: { arguments: z.tuple([]), options: z.object({}) },
          run: async ({ interrupt }) => {
            await run(interrupt)
            return EXIT.done
          },
        }),
      ],
    })
    const runIt = async (group: CommandGroup, interrupt: AbortSignal) => {
      const folder = await makeFolder()
      const lock = await acquireLock(join(folder.path, 'stack.lock'))
      const endpoints = { dynamodb: '', rdsData: '', secretsManager: '' }
      await writeFile(join(folder.path, 'stack.json'), JSON.stringify({ endpoints, outputs: {} }))
      const terminal = fakeTerminal(false, { BACKSYNC_HOME: folder.path })
      const code = await runProgram(['job', 'run'], [group], { io: terminal.io, interrupt })
      await lock.release()
      await folder.remove()
      return { code, stderr: terminal.stderr() }
    }

    it('ends at once when it only reads', async () => {
      const interrupt = new AbortController()
      const group = working(false, () => {
        interrupt.abort()
        return new Promise(() => {})
      })
      expect(await runIt(group, interrupt.signal)).toEqual({
        code: 130,
        stderr: 'backsync: interrupted; nothing was changed\n',
      })
    })

    it('is waited for when it writes: it knows where nothing is half done', async () => {
      const interrupt = new AbortController()
      let ended = false
      const group = working(true, async (signal) => {
        interrupt.abort()
        expect(signal.aborted).toBe(true)
        await new Promise((resolve) => setImmediate(resolve))
        ended = true
      })
      expect(await runIt(group, interrupt.signal)).toEqual({ code: 0, stderr: '' })
      expect(ended).toBe(true)
    })
  })

  it('shows a stack trace with --debug only', async () => {
    expect((await run(['parked', 'list', '--debug'])).stderr).toMatch(/\n {4}at /)
    expect((await run(['parked', 'list'])).stderr).not.toContain('    at ')
  })
})
