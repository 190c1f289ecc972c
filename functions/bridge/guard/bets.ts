/*
 * Testing by betting. A bet is begun with a capital of one and put on what happens next at odds that would be fair if nothing were
 * wrong: whoever bets so wins nothing in the mean, so to have a hundred thousand times the capital happens once in a hundred thousand
 * times, however often one looks (Ville's inequality). How much was won is the evidence, and it is all that has to be kept.
 *
 * Shafer, "Testing by betting" (2021); Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting" (2024);
 * Ville, "Étude critique de la notion de collectif" (1939).
 */

/** So many things of two kinds: the one that is bet on, and the other. */
export type Drawn = { readonly hits: number; readonly misses: number }

/**
 * What becomes of a capital that is bet on hits, as a logarithm.
 *
 * @param chance of a hit where nothing is wrong, above 0 and below 1; it may be larger than the true one, never smaller
 * @param odds how many times the odds of a hit are what they were said to be, as the bet has it; above 1
 */
export const gain = ({ hits, misses }: Drawn, chance: number, odds: number): number =>
  hits * Math.log(odds) - (hits + misses) * Math.log1p(chance * (odds - 1))

/** What a bet gains with one more thing drawn, in the mean, where hits have this rate. */
export const growth = (rate: number, chance: number, odds: number): number =>
  gain({ hits: rate, misses: 1 - rate }, chance, odds)

/** The logarithm of a sum of two, of which the logarithms are given. */
export const logSum = (one: number, other: number): number => {
  const [small, large] = one < other ? [one, other] : [other, one]
  return large === Number.NEGATIVE_INFINITY ? large : large + Math.log1p(Math.exp(small - large))
}
