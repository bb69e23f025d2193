// Checks 7, 8 (category) and 10 of ITI-41 (epa-record-system.md 4.7): codes, times and author of each DocumentEntry and of the
// SubmissionSet. Stricter than the record systems were seen to be: `lenient` switches these rules off (style.md B4).

import { ENTRY_SCHEME, SET_SCHEME } from '../tables/ebrim.ts';
import { DIGA_GUIDE } from '../tables/ig-diga.ts';
import {
  AUTHOR_ROLES,
  CONFIDENTIALITY_CODES,
  CONTENT_TYPE_CODES,
  type CodeTable,
  EVENT_CODES,
  HEALTHCARE_FACILITY_TYPES,
  LANGUAGE_CODES,
  PRACTICE_SETTINGS,
} from '../tables/xds-codes.ts';
import { type Author, authorsOf, type Code, codesOf, type RegistryObject, type Submission } from './xds-read.ts';
import type { Refusal } from './xds-rules.ts';

const METADATA = 'XDSRegistryMetadataError';
const refusal = (rule: string, text: string, code: string = METADATA): Refusal => ({ rule, code, text });
const inTable = (table: CodeTable, code: Code): boolean => table.get(code.codeSystem)?.has(code.code) === true;

/** Nos 7 and 8: every code is of its value set, and the entry is a DiGA document by the implementation guide. */
export function codeRefusal({ sets, entries }: Submission, now: Date): Refusal | null {
  for (const entry of entries) {
    const found = guideRefusal(entry, now) ?? valueSetRefusal(entry);
    if (found !== null) return found;
  }
  for (const set of sets) {
    const types = codesOf(set, SET_SCHEME.contentTypeCode);
    if (types.length > 1 || types.some((code) => !inTable(CONTENT_TYPE_CODES, code)))
      return refusal('xds.codes', 'contentTypeCode is not of its value set');
  }
  return null;
}

function guideRefusal(entry: RegistryObject, now: Date): Refusal | null {
  const [format, ...more] = codesOf(entry, ENTRY_SCHEME.formatCode);
  if (format === undefined || more.length > 0) return refusal('xds.codes', 'exactly one formatCode is required');
  if (DIGA_GUIDE.formatCodesWithoutGuide.includes(format.code))
    return refusal('xds.codes', `no implementation guide for ${format.code}`);
  // oid_diga writes into the category diga only (legal policy, row 8); the exact code of the refusal is an open point
  if (format.code !== DIGA_GUIDE.formatCode.code || format.codeSystem !== DIGA_GUIDE.formatCode.codeSystem)
    return refusal('xds.category', 'oid_diga may not write into this category', 'AccessDenied');
  const today = now.toISOString().slice(0, 10);
  const readOnly = DIGA_GUIDE.clientReadOnlyFrom;
  if (today < DIGA_GUIDE.validFrom || (readOnly !== null && today >= readOnly))
    return refusal('xds.codes', 'the implementation guide takes no documents at this date');
  for (const name of ['classCode', 'typeCode'] as const) {
    const codes = codesOf(entry, ENTRY_SCHEME[name]);
    const fixed = DIGA_GUIDE[name];
    if (codes.length !== 1 || codes[0]?.code !== fixed.code || codes[0].codeSystem !== fixed.codeSystem)
      return refusal('xds.codes', `${name} is not ${fixed.code} of ${fixed.codeSystem}`);
  }
  if (!DIGA_GUIDE.mimeTypes.includes(entry.attributes.get('mimeType') ?? ''))
    return refusal('xds.mime-type', 'mimeType is not of the implementation guide');
  return null;
}

function valueSetRefusal(entry: RegistryObject): Refusal | null {
  const sets = [
    ['healthcareFacilityTypeCode', HEALTHCARE_FACILITY_TYPES, 1, 1],
    ['practiceSettingCode', PRACTICE_SETTINGS, 1, 1],
    ['eventCodeList', EVENT_CODES, 0, Number.POSITIVE_INFINITY],
    ['confidentialityCode', CONFIDENTIALITY_CODES, 0, Number.POSITIVE_INFINITY],
  ] as const;
  for (const [name, table, least, most] of sets) {
    const codes = codesOf(entry, ENTRY_SCHEME[name]);
    if (codes.length < least || codes.length > most) return refusal('xds.codes', `number of ${name}`);
    if (codes.some((code) => !inTable(table, code))) return refusal('xds.codes', `${name} is not of its value set`);
  }
  for (const scheme of Object.values(ENTRY_SCHEME)) {
    if (scheme !== ENTRY_SCHEME.author && codesOf(entry, scheme).some((code) => (code.display ?? '') === ''))
      return refusal('xds.codes', 'a code has no display name');
  }
  return slotRefusal(entry);
}

function slotRefusal(entry: RegistryObject): Refusal | null {
  const one = (name: string): string => (entry.slots.get(name)?.length === 1 ? (entry.slots.get(name)?.[0] ?? '') : '');
  if (!LANGUAGE_CODES.has(one('languageCode'))) return refusal('xds.codes', 'languageCode is not of its value set');
  if (one('URI') === '') return refusal('xds.metadata', 'URI missing');
  if ((entry.name ?? '') === '') return refusal('xds.metadata', 'title missing');
  return null;
}

const FUTURE_TOLERANCE_MS = 60_000;

/** Times are UTC DTM; creationTime and submissionTime have 14 digits and do not lie in the future. */
export function timeRefusal({ sets, entries }: Submission, now: Date): Refusal | null {
  const stamps = [
    ...sets.map((set) => set.slots.get('submissionTime')),
    ...entries.map((entry) => entry.slots.get('creationTime')),
  ];
  for (const stamp of stamps) {
    const at = stamp?.length === 1 && stamp[0]?.length === 14 ? readDtm(stamp[0]) : null;
    if (at === null) return refusal('xds.time', 'a time is not YYYYMMDDhhmmss');
    if (at > now.getTime() + FUTURE_TOLERANCE_MS) return refusal('xds.time', 'a time lies in the future');
  }
  for (const entry of entries) {
    const [start, stop] = ['serviceStartTime', 'serviceStopTime'].map((name) => entry.slots.get(name));
    const [from, to] = [start, stop].map((slot) =>
      slot === undefined ? undefined : readDtm(slot.length === 1 ? (slot[0] ?? '') : ''),
    );
    if (from === null || to === null) return refusal('xds.time', 'a service time is no DTM');
    if (from !== undefined && to !== undefined && from > to)
      return refusal('xds.time', 'serviceStartTime after serviceStopTime');
  }
  return null;
}

/** HL7 DTM of 4 to 14 digits in UTC to milliseconds; null when it is none. */
function readDtm(text: string): number | null {
  const m = /^(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?$/.exec(text);
  if (m === null) return null;
  const [, year, month = '01', day = '01', hour = '00', minute = '00', second = '00'] = m;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) || at.toISOString() !== iso ? null : at.getTime();
}

/** No 10: every author's institution carries the Telematik-ID of the session; roles are of their value set. */
export function authorRefusal({ sets, entries }: Submission, telematikId: string): Refusal | null {
  for (const object of [...entries, ...sets]) {
    const authors = authorsOf(object);
    if (authors.length === 0) return refusal('xds.author', 'author missing');
    for (const author of authors) {
      const found = oneAuthorRefusal(author, telematikId);
      if (found !== null) return found;
    }
  }
  return null;
}

const MISMATCH = 'Telematik-ID does not match';

function oneAuthorRefusal(author: Author, telematikId: string): Refusal | null {
  if (author.institution.length === 0) return refusal('xds.author', 'authorInstitution missing');
  for (const institution of author.institution) {
    const parts = institution.split('^');
    if ((parts[0] ?? '') === '' || parts[5] !== '&1.2.276.0.76.4.188&ISO')
      return refusal('xds.author', 'authorInstitution is no XON of ePA');
    if (parts[9] !== telematikId) return refusal('xds.author', `${MISMATCH}: authorInstitution`);
  }
  for (const person of author.person) {
    const parts = person.split('^');
    if (parts.length < 9) return refusal('xds.author', 'authorPerson is no XCN');
    if (parts[8] === '&1.2.276.0.76.4.282&ISO' && parts[0] !== telematikId)
      return refusal('xds.author', `${MISMATCH}: authorPerson`);
  }
  for (const role of author.role) {
    const [code = '', , , authority = ''] = role.split('^');
    const codeSystem = /^&([\d.]+)&ISO$/.exec(authority)?.[1] ?? '';
    if (!inTable(AUTHOR_ROLES, { code, codeSystem, display: undefined }))
      return refusal('xds.author', 'authorRole is not of its value set');
  }
  return author.role.length === 0 ? refusal('xds.author', 'authorRole missing') : null;
}
