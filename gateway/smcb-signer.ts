// The SMC-B as the login sees it: an identity that signs. record-system/ gets this and never a Konnektor (style.md B2).
// A leaf: the type only. Made by gateway/konnektor/smcb.ts.

export type SmcbSigner = {
  telematikId: string;
  iccsn: string;
  /** C.AUT (ECC, brainpoolP256r1), DER; already judged: chain, validity, role, Telematik-ID. */
  certificateDer: Uint8Array;
  /** ECDSA over a given 32-byte SHA-256 digest, as DER or r‖s (konnektor.md 2.5); GatewayError when the card cannot sign. */
  sign(sha256: Uint8Array): Promise<Uint8Array>;
};
