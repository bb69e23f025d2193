// What `params.what` of the fault `wrong-frame` may name; each breaks one check of a client (docs/faults.md, `vau.data`).
export const FRAME_BREAKS = [
  'counter',
  'key-id',
  'pu',
  'version',
  'type',
  'ciphertext',
  'short',
  'key',
  'inner-http',
  'replay',
] as const;
