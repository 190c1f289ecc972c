/** Receives one line of progress or trouble, without a line end. */
export type Log = (line: string) => void
