/**
 * Stands for `@aws-sdk/credential-provider-node` in the functions' bundles. That one looks into nine places, most of
 * them a developer's: profiles, single sign-on, processes, instance metadata. Lambda gives a function its role's
 * credentials in its environment, and with SnapStart, as in a container, at an address that the environment names.
 * The local runtime does the former.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, "Defined runtime environment variables"
 * @see https://docs.aws.amazon.com/lambda/latest/dg/snapstart-activate.html
 */
import { fromEnv } from '@aws-sdk/credential-provider-env'
import { fromHttp } from '@aws-sdk/credential-provider-http'

type Options = Parameters<typeof fromEnv>[0] & Parameters<typeof fromHttp>[0]

/** The SDK's clients keep what this provider answers until it expires. */
export const defaultProvider = (options: Options = {}) => {
  const { AWS_CONTAINER_CREDENTIALS_FULL_URI, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI } = process.env
  return AWS_CONTAINER_CREDENTIALS_FULL_URI || AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
    ? fromHttp(options)
    : fromEnv(options)
}
