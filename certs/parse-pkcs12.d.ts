// crypto.parsePKCS12 of Node 26, which @types/node does not know yet. What a file does not hold is null.
import type { KeyObject, X509Certificate } from 'node:crypto';

declare module 'node:crypto' {
  export function parsePKCS12(
    file: Uint8Array,
    options: { passphrase: string },
  ): {
    privateKey: KeyObject | null | undefined;
    certificate: X509Certificate | null | undefined;
    additionalCertificates: X509Certificate[];
  };
}
