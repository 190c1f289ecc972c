/*
 * A trigger of a followed table refuses a write of a key that the other store owns, by a SIGNAL of SQLSTATE 45000:
 *
 *   backsync: not-the-owner: DynamoDB owns this dish
 *
 * Whoever makes such a write meets that text: the bridge itself, an entity's own code, or a function of the team's own, which may
 * pass it on in whatever it answers.
 */

/** What such a refusal says: the entity whose key it is, where it was not cut off. */
export type OwnerSignal = { readonly entity: string | undefined }

const WORDS = 'backsync: not-the-owner'
const SAYS = new RegExp(`${WORDS}(?:: DynamoDB owns this ([\\w-]+))?`)

/** The refusal that a text holds anywhere. */
export const ownerSignalIn = (text: string): OwnerSignal | undefined => {
  const found = SAYS.exec(text)
  return found === null ? undefined : { entity: found[1] }
}

/** What is known of a server's refusal: its number, and its SQLSTATE where that was said. */
type Said = { readonly errno: number; readonly sqlState: string | undefined; readonly text: string }

/** MySQL's number for a SIGNAL that names no other one. */
const SIGNALLED = 1644

/** The refusal that a server's words are: other words may quote a customer's value, which counts for nothing. */
export const ownerSignalSaid = ({ errno, sqlState, text }: Said): OwnerSignal | undefined => {
  const isSignal = sqlState === undefined ? errno === SIGNALLED : sqlState.startsWith('45')
  return isSignal && text.startsWith(WORDS) ? ownerSignalIn(text) : undefined
}
