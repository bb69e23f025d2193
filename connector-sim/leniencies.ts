// What `--lenient` stops checking (TST-03, style.md B4): strict is the default, and a lenient run says so aloud.

export const LENIENT_STOPS_CHECKING: readonly string[] = [
  'Konnektor: SOAPAction missing or of another operation',
  'record systems: metadata rules stricter than observed behaviour (epa-record-system.md 4.7, checks 7, 8 and 10)',
];
