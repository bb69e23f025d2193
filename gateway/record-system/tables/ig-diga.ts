// Facts of gematik's implementation guide "DiGA Toolkit" 1.1 (ePA-XDS-Document 3.1.0-1, ig-diga_V_1_1.json) and the codes a
// DiGA document carries besides (epa-record-system.md 4.2, export-flow.md 5.3): data, not code (EXP-09).

export type Code = { code: string; codeSystem: string; displayName: string };

/** Fixed by the guide; a record system refuses anything else under this format code. */
export const IG_DIGA = {
  classCode: { code: 'DUR', codeSystem: '1.3.6.1.4.1.19376.3.276.1.5.8', displayName: 'Durchführungsprotokoll' },
  typeCode: { code: 'PATD', codeSystem: '1.3.6.1.4.1.19376.3.276.1.5.9', displayName: 'Patienteneigene Dokumente' },
  formatCode: {
    code: 'urn:gematik:ig:diga:v1.1',
    codeSystem: '1.3.6.1.4.1.19376.3.276.1.5.6',
    displayName: 'DiGA (gematik) v1.1',
  },
  mimeTypes: ['application/fhir+xml', 'application/pdf'],
  validFromDate: '2023-07-01',
  /** No more uploads from this day on; the guide names none yet. */
  clientReadOnlyFrom: null as string | null,
  /** At most so many versions along one RPLC chain; the record system may delete the oldest (EXP-10). */
  maxDocumentHistory: 10,
} as const;

const OUTSIDE_CARE = 'Patient außerhalb der Betreuung';

/** As both productive DiGA clients and the official examples send them; the value sets allow them. */
export const DIGA_CODES = {
  healthcareFacilityTypeCode: {
    code: 'PAT',
    codeSystem: '1.3.6.1.4.1.19376.3.276.1.5.3',
    displayName: OUTSIDE_CARE,
  },
  practiceSettingCode: { code: 'PAT', codeSystem: '1.3.6.1.4.1.19376.3.276.1.5.5', displayName: OUTSIDE_CARE },
  eventCodeList: [
    { code: 'H1', codeSystem: '1.3.6.1.4.1.19376.3.276.1.5.15', displayName: 'vom Patienten mitgebracht' },
    { code: 'E400', codeSystem: '1.3.6.1.4.1.19376.3.276.1.5.16', displayName: 'Virtual Encounter' },
  ],
  /** Sent only by setting: in the ePA 2.6 examples, not in what DiGA send into ePA 3.x (open point 4). */
  confidentialityNormal: { code: 'N', codeSystem: '2.16.840.1.113883.5.25', displayName: 'normal' },
  /** "dokumentierendes Gerät". */
  authorRole: { code: '12', codeSystem: '1.3.6.1.4.1.19376.3.276.1.5.13' },
  languageCode: 'de-DE',
} as const;

/** Assigning authorities of the identifiers in patientId and author. */
export const OID = {
  kvnr: '1.2.276.0.76.4.8',
  telematikId: '1.2.276.0.76.4.188',
  /** Value set of authorSpecialty. */
  authorSpecialty: '1.3.6.1.4.1.19376.3.276.1.5.11',
  /** oid_diga: the profession under which a DiGA is the author. */
  diga: '1.2.276.0.76.4.282',
} as const;
