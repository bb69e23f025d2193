// The one error of mio/. Its code is stable (MIO_*, XML_*, JSON_*); the gateway translates it into its catalogue. Messages
// and paths name elements and rules, never a value of the document (style.md B6, B8).

/** What is known about the place: `path` in FHIR terms (`Patient.name[0]`), `pointer` for JSON, lines count from 1. */
export type Place = { path?: string; pointer?: string; line?: number };

export class MioError extends Error {
  readonly code: string;
  readonly place: Place;

  constructor(code: string, message: string, place: Place = {}) {
    super(message);
    this.name = 'MioError';
    this.code = code;
    this.place = place;
  }
}

/** One thing that is wrong and does not stop the reading. `path` as in Place; no value of the document in `message`. */
export type Finding = {
  severity: 'error' | 'warning' | 'information';
  code: string;
  path: string;
  message: string;
  pointer?: string;
  line?: number;
};
