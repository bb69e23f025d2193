// What the sources leave open about a Konnektor's cards and events (konnektor.md 2.2, 5, 8, 12): drawn by the seed, shown in
// GET /sim/state, set by tests (style.md B3 rule 4).

export type KonnektorChoices = {
  /** konnektor.md 8: what GetPinStatus says of an HSM-B, which nobody has established; a number is that fault. */
  hsmPinStatus: 'VERIFIED' | 'DISABLED' | 4072 | 4209;
  /** Whether a PIN just changed or set anew is verified for the card session, too. */
  afterNewPin: 'verified' | 'verifiable';
  /** Whether Subscribe for a subscription there is gives it a new life. */
  subscribeAgain: 'renews' | 'keeps';
  /** konnektor.md 5: `CARD/INSERTED` or `Card/Inserted`. */
  topicSpelling: 'capitals' | 'mixed';
  /** konnektor.md 5: the name of the card's type in CARD/REMOVED. */
  removedTypeKey: 'CardType' | 'Type';
  /** Whether a frame comes as one piece. */
  cetpPieces: 'whole' | 'pieces';
  /** Whether frames that wait for one sink share a connection. */
  cetpConnection: 'one-each' | 'shared';
  /** Not drawn (D27): set, the fault of GetPinStatus for a handle nobody has, instead of 4101. */
  pinStatusHandleCode?: 4047;
};

/** `random` gives [0,1) and serves nothing else, so that a seed noted before keeps its world. */
export function drawKonnektorChoices(random: () => number): KonnektorChoices {
  const pick = <const T extends readonly [unknown, ...unknown[]]>(values: T): T[number] =>
    values[Math.floor(random() * values.length)] ?? values[0];
  return {
    hsmPinStatus: pick(['VERIFIED', 'DISABLED', 4072, 4209]),
    afterNewPin: pick(['verified', 'verifiable']),
    subscribeAgain: pick(['renews', 'keeps']),
    topicSpelling: pick(['capitals', 'mixed']),
    removedTypeKey: pick(['CardType', 'Type']),
    cetpPieces: pick(['whole', 'pieces']),
    cetpConnection: pick(['one-each', 'shared']),
  };
}
