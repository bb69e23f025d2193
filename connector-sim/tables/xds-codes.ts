// Facts of the ePA value sets (gematik ePA-XDS-Document 3.1.0-1, src/vocabulary/value_sets) that a DiGA document can carry:
// code system → codes. Deprecated codes are left out. Written as our own table; displays are not checked by a record system.

export type CodeTable = ReadonlyMap<string, ReadonlySet<string>>;

const table = (...rows: [codeSystem: string, codes: string][]): CodeTable =>
  new Map(rows.map(([codeSystem, codes]) => [codeSystem, new Set(codes.split(' '))]));

/** ValueSet healthcare-facility-type-code. */
export const HEALTHCARE_FACILITY_TYPES = table(
  ['1.3.6.1.4.1.19376.3.276.1.5.2', 'APD APO BER PRA BAA BHR HEB HOS KHS MVZ HAN REH HEI PFL RTN SEL TMZ'],
  ['1.3.6.1.4.1.19376.3.276.1.5.3', 'BIL FOR GEN MDK PAT SPE VER'],
);

/** ValueSet practice-setting-code. */
export const PRACTICE_SETTINGS = table(
  [
    '1.3.6.1.4.1.19376.3.276.1.5.4',
    'ALLG ANAE ARBE AUGE CHIR ALCH GFCH HZCH KDCH ORTH PLCH THCH UNFC VICH FRAU GEND GONK PERI GERI HNOH HRST HAUT HIST ' +
      'HUMA HYGI INNE ANGI ENDO GAST HAEM KARD NEPH PNEU RHEU INTM INTZ INTO INTS TRPL SELT KIJU KONK KKAR NNAT NPAE KPSY ' +
      'LABO MIKR MKGC NATU NOTF NRCH NEUR NUKL GESU PALL PATH NPAT PHAR TOXI REHA PSYC FPSY PSYM RADI KRAD NRAD RECH SCHL ' +
      'SPOR STRA TRAN TROP UROL MZKH ORAL KIEF PARO',
  ],
  ['1.2.276.0.76.5.494', 'MZAH ZGES'],
  ['1.3.6.1.4.1.19376.3.276.1.5.5', 'ERG ERN FOR PFL ALT KIN PAT PHZ POD PRV SOZ SPR VKO VER PST'],
);

/** ValueSet event-code, without the open sets (ICD, OPS, SNOMED CT, DICOM), which a DiGA does not send. */
export const EVENT_CODES = table(
  [
    '1.3.6.1.4.1.19376.3.276.1.5.16',
    'E100 E110 E200 E210 E211 E212 E213 E214 E215 E230 E231 E232 E233 E234 E235 E250 E251 E252 E253 E270 E280 E300 E400',
  ],
  ['1.3.6.1.4.1.19376.3.276.1.5.15', 'H1 H2 H3 H4'],
);

/** ValueSet confidentiality-code; CON asks the record system to hide the document. */
export const CONFIDENTIALITY_CODES = table(
  ['2.16.840.1.113883.5.25', 'N R V'],
  ['1.2.276.0.76.5.491', 'CON'],
  ['1.3.6.1.4.1.19376.3.276.1.5.10', 'PV PR PN'],
);

/** ValueSet content-type-code (SubmissionSet). */
export const CONTENT_TYPE_CODES = table(['1.3.6.1.4.1.19376.3.276.1.5.12', '1 2 3 4 5 6 7 8 9 10 11']);

/** ValueSet author-role; 12 is "dokumentierendes Gerät". */
export const AUTHOR_ROLES = table(
  ['1.3.6.1.4.1.19376.3.276.1.5.13', '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17'],
  ['1.3.6.1.4.1.19376.3.276.1.5.14', '101 102 103 104 105'],
);

/** ValueSet language-code. */
export const LANGUAGE_CODES: ReadonlySet<string> = new Set(
  (
    'bg-BG it-IT it-CH cs-CZ lt-LT da-DK lb-LU de-AT de-DE de-CH de-LI de-LU lv-LV el-GR mt-MT en-AU en-GB en-CA en-US ' +
    'nl-NL nl-BE es-ES no-NO et-EE pl-PL fi-FI pt-PT fr-CA fr-FR fr-CH fr-LU fr-BE rm-CH ga-IE ro-RO hr-HR sk-SK hu-HU ' +
    'sl-SI is-IS sv-SE'
  ).split(' '),
);
