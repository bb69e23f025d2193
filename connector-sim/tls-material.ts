// What a simulated TLS server shows and demands, beyond the profile that gateway and simulator share (wire/tls.ts): certain versions
// only, and a client certificate that is looked at and not demanded.
import type { SecureVersion, TlsOptions } from 'node:tls';
import { serverTlsOptions } from '../wire/tls.ts';

export type TlsMaterial = Parameters<typeof serverTlsOptions>[0] & {
  versions?: readonly SecureVersion[];
  /** With `clientCa`: a client without a certificate of that CA is served, and the handler is told. */
  clientOptional?: boolean;
};

export function serverOptions({ versions, clientOptional, ...shared }: TlsMaterial): TlsOptions {
  const options = serverTlsOptions(shared);
  if (clientOptional === true) options.rejectUnauthorized = false;
  const sorted = versions?.toSorted();
  const [minVersion] = sorted ?? [];
  const maxVersion = sorted?.at(-1);
  return minVersion === undefined || maxVersion === undefined ? options : { ...options, minVersion, maxVersion };
}
