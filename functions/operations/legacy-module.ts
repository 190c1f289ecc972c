/** How handlers have been written, with a callback or without. */
export type TeamHandler = (event: unknown, context: object, callback: TeamCallback) => unknown
export type TeamCallback = (error?: unknown, answer?: unknown) => void

/** Where a team's module stands in the package of its own function. */
export const handler: TeamHandler = () => {
  throw new Error("This package has no team's module")
}
