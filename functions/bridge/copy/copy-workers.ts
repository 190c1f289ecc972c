/** How many workers a state machine that copies has at once: they share the request's rate. */
export const COPY_WORKERS = 40
