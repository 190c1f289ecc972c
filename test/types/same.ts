/** True for types that are the same, not merely alike: optional and readonly count. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Fails the type check for anything but true. */
export const isTrue = <_ extends true>(): void => {}
