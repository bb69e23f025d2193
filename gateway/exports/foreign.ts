// What the other side said (D20): masked for KVNR and cut before it is stored or shown, since a registry names the insured in
// its errors and no column may hold a KVNR in the clear (SEC-07, D15).
import type { Foreign } from '../errors.ts';
import { maskPersonal } from '../log.ts';

const LIMIT = 500;
const TRACES = 5;

export function maskForeign(foreign: Foreign): Foreign {
  // Masked before it is cut: a cut may leave the first digits of a KVNR.
  const cut = (text: string) => maskPersonal(text).slice(0, LIMIT);
  return {
    ...(foreign.code !== undefined && { code: cut(foreign.code) }),
    ...(foreign.text !== undefined && { text: cut(foreign.text) }),
    ...(foreign.status !== undefined && { status: foreign.status }),
    ...(foreign.trace !== undefined && {
      trace: foreign.trace.slice(0, TRACES).map((one) => ({ code: cut(one.code), text: cut(one.text) })),
    }),
  };
}
