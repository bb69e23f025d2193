// What `--lenient` stops checking (TST-03, style.md B4): strict is the default, and a lenient run says so aloud.
import { DOCUMENT_LENIENCIES } from './record-system/documents.ts';

export const LENIENT_STOPS_CHECKING: readonly string[] = [
  'Konnektor: SOAPAction missing or of another operation',
  'record systems from 3.1.2 on: X-Request-ID missing or no UUID',
  ...DOCUMENT_LENIENCIES.map((rule) => `record systems, ITI-41: ${rule}`),
];
