// Randomness that can be replayed (style.md B4): what a seed decides, it decides again. For choices only; keys, nonces and IDs
// come from node:crypto.

/** mulberry32: small, fast, the same everywhere; good enough for choices and for nothing else. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
