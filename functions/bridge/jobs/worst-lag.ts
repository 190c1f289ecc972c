/** How late the function that follows a stream gets its records. */
export type StreamLag = {
  /** In milliseconds, of the latest minute that is known. Nothing that came is late where nothing came. */
  readonly value: number
  /** Whether that was not known at the look before. */
  readonly isNew: boolean
}

/**
 * The lag by which a fill is held back: the relay's is known at each look, the stream's once a minute. Between two minutes nothing
 * is decided by what a stream was.
 */
export const worstLag = (relay: number | undefined, stream: StreamLag | undefined): number | undefined => {
  if (stream === undefined || (relay ?? -1) >= stream.value) return relay
  return stream.isNew ? stream.value : undefined
}
