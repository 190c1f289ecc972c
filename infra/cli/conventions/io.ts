import { styleText } from 'node:util'

/** A stream to write to; on a terminal it has a width. */
export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }

/** What a command talks through. Results go to stdout, everything else to stderr. */
export type Io = {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stdout: Output
  readonly stderr: Output
  readonly env: NodeJS.ProcessEnv
}

/** Emphasis, on a terminal whose user doesn't refuse it. @see https://no-color.org */
export const bold = (io: Io, stream: Output, text: string): string => styled(io, stream, text, 'bold')

/** Colour, on such a terminal: never alone, what it says is in the text as well. */
export const coloured = (io: Io, stream: Output, text: string, colour: 'red' | 'green' | 'yellow'): string =>
  styled(io, stream, text, colour)

const styled = (io: Io, stream: Output, text: string, style: 'bold' | 'red' | 'green' | 'yellow'): string =>
  stream.isTTY === true && !io.env.NO_COLOR && !isDumb(io)
    ? styleText(style, text, { validateStream: false })
    : text

/** Whether the terminal can neither emphasise nor write a line anew. */
export const isDumb = ({ env }: Io): boolean => env.TERM === 'dumb'

/** Whoever reads the results may stop (`| head`): then there is nobody left to tell, and no failure. */
export const ignoreClosedPipe = (stdout: NodeJS.WriteStream): void => {
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}
