/** A child's clock may be wrong by so many milliseconds. */
export const CLOCK = 'SOAK_CLOCK_MS'

/**
 * Puts this process's clock forward or back, as it may be on any machine. The one that measures spans is right.
 *
 * @param ms how much; below 0: back
 */
export const putClock = (ms: number): void => {
  const Real = Date
  const now = (): number => Real.now() + ms
  globalThis.Date = new Proxy(Real, {
    construct: (of, given) => Reflect.construct(of, given.length === 0 ? [now()] : given),
    apply: () => new Real(now()).toString(),
    get: (of, name) => (name === 'now' ? now : Reflect.get(of, name)),
  })
}
