// The part of npm crystals-kyber@5.1.0 (round-3 Kyber768, no types of its own) that the tests use.
declare module 'crystals-kyber' {
  type Octets = number[] | Uint8Array;
  type Kyber = {
    /** [public key of 1184, private key of 2400 octets] */
    KeyGen768(): [Octets, Octets];
    /** [ciphertext of 1088, shared secret of 32 octets] */
    Encrypt768(publicKey: Octets): [Octets, Octets];
    Decrypt768(ciphertext: Octets, privateKey: Octets): Octets;
  };
  const kyber: Kyber;
  export = kyber;
}
