// FHIR carries files as base64 inside one attribute, and an XML parser holds an attribute whole: 20 MB of it per request. Their
// well-formedness does not depend on how long they are, so the check before 202 reads them shortened; names, the only other
// place where such runs could stand, are refused when they are long (document-check.ts). What is stored is not touched.

/** Characters of a run that are kept. */
export const KEPT_RUN = 4096;

const IN_RUN = new Uint8Array(128);
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=') IN_RUN[char.charCodeAt(0)] = 1;

export type Shortener = {
  /** The same text with every run of base64 characters cut to KEPT_RUN, across pieces. */
  shorten(text: string): string;
  /** Whether something was cut: positions in the shortened text are not those of the document. */
  readonly cut: boolean;
};

export function openShortener(): Shortener {
  let run = 0;
  let cut = false;
  return {
    get cut() {
      return cut;
    },
    shorten: (text) => {
      let out = '';
      let from = 0;
      for (let at = 0; at < text.length; at++) {
        if (IN_RUN[text.charCodeAt(at)] !== 1) {
          if (run > KEPT_RUN) from = at;
          run = 0;
          continue;
        }
        run += 1;
        if (run === KEPT_RUN + 1) {
          cut = true;
          out += text.slice(from, at);
        }
      }
      return run > KEPT_RUN ? out : out + text.slice(from);
    },
  };
}
