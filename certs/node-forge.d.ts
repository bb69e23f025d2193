// The part of npm node-forge 1.4.3 (no types of its own) that certs/pkcs12.ts uses: bytes are its "binary strings".
declare module 'node-forge' {
  type Asn1 = { readonly value: unknown };
  /** `key` and `cert` only of RSA; of other kinds the same as `asn1`. */
  type Bag = { type: string; key?: object | null; cert?: object | null; asn1?: Asn1 };
  export const asn1: {
    fromDer(bytes: string): Asn1;
    toDer(value: Asn1): { getBytes(): string };
  };
  export const pkcs12: {
    pkcs12FromAsn1(pfx: Asn1, strict: boolean, password: string): { safeContents: { safeBags: Bag[] }[] };
  };
  export const pki: {
    privateKeyToAsn1(key: object): Asn1;
    wrapRsaPrivateKey(key: Asn1): Asn1;
    certificateToAsn1(certificate: object): Asn1;
  };
}
