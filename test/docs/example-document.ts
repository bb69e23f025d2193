// The documents in docs/examples that the README posts: three versions of one invented MIO, as the demo builds them, without
// any KVNR in them, so that they fit whichever insured the simulator has invented.
import { demoDocument } from '../../demo/document.ts';

/** An insured that nobody is; only the shape of its identifier matters, and that is cut out. */
const NOBODY = 'X110411675';
const KVNR_IDENTIFIER = /<identifier>(?:(?!<\/identifier>).)*http:\/\/fhir\.de\/sid\/gkv\/kvid-10.*?<\/identifier>/;

/** The bytes of `docs/examples/version-<version>.xml`. */
export function exampleDocument(version: 1 | 2 | 3): string {
  const at = new Date(Date.UTC(2026, 10, 19 + version, 8));
  const text = Buffer.from(demoDocument(NOBODY, version, at))
    .toString('utf8')
    .replace(KVNR_IDENTIFIER, '');
  if (text.includes(NOBODY)) throw new Error('the example still names an insured');
  return text;
}
