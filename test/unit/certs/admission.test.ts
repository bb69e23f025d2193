// The admission extension: what is written is read, what openssl writes is read, and what is doubtful is refused.
import { describe, expect, test } from 'vitest';
import { encodeAdmission, ROLE, readAdmission } from '../../../certs/admission.ts';
import { certCodeOf, DIGA_ADMISSION } from '../../support/test-pki.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));

// Built by hand from the ASN.1 of Common PKI part 1: items "A", OID 1.2.276.0.76.4.209, registration number "9-A".
const OIDS = '300a 0608 2a8214004c048151';
const ITEMS = '3003 0c0141';
const wrap = (infos: string): string => sequence(sequence(sequence(sequence(infos))));
const NUMBER = '1303392d41';

function sequence(...content: string[]): string {
  const inner = content.join('').replaceAll(' ', '');
  return `30${(inner.length / 2).toString(16).padStart(2, '0')}${inner}`;
}

describe('the admission extension', () => {
  test('is written with six SEQUENCEs above its profession item', () => {
    const written = Buffer.from(encodeAdmission(DIGA_ADMISSION));
    let at = 0;
    for (let i = 0; i < 6; i++) {
      expect(written[at]).toBe(0x30);
      at += 2;
    }
    expect(written[at]).toBe(0x0c);
  });

  test('is read as it was written', () => {
    expect(readAdmission(encodeAdmission(DIGA_ADMISSION))).toEqual(DIGA_ADMISSION);
  });

  test('keeps the umlauts of a profession item', () => {
    const praxis = { ...DIGA_ADMISSION, professionItems: ['Ärztin für Kinderheilkunde'] };
    expect(readAdmission(encodeAdmission(praxis))).toEqual(praxis);
  });

  test('is read from bytes built by hand', () => {
    expect(readAdmission(hex(wrap(sequence(ITEMS, OIDS, NUMBER))))).toEqual({
      professionItems: ['A'],
      professionOids: [ROLE.epaVau],
      registrationNumber: '9-A',
    });
  });

  test('is read with the naming authority, the authority and the further information real issuers add', () => {
    const namingAuthority = `a0 09 ${sequence('0c 05 4e 61 6d 65 73')}`;
    const info = sequence(namingAuthority, ITEMS, OIDS, NUMBER, '0402 0102');
    const admissions = sequence('a0 05 82 03 61 2e 62', sequence(info));
    const syntax = sequence('82 03 61 2e 62', sequence(admissions));
    expect(readAdmission(hex(syntax)).registrationNumber).toBe('9-A');
  });

  test('may lack the registration number', () => {
    expect(readAdmission(hex(wrap(sequence(ITEMS, OIDS)))).registrationNumber).toBeUndefined();
  });

  test('may lack the profession OIDs, and then there is no role', () => {
    expect(readAdmission(hex(wrap(sequence(ITEMS, NUMBER)))).professionOids).toEqual([]);
  });

  test('shows the roles of every entry, so that a second one cannot hide', () => {
    const two = wrap(sequence(ITEMS, OIDS) + sequence(ITEMS, OIDS));
    expect(readAdmission(hex(two)).professionOids).toEqual([ROLE.epaVau, ROLE.epaVau]);
  });

  test('is read with a naming authority above all its entries', () => {
    const namingAuthority = `a1 09 ${sequence('0c 05 4e 61 6d 65 73')}`;
    const admissions = sequence(namingAuthority, sequence(sequence(ITEMS, OIDS, NUMBER)));
    expect(readAdmission(hex(sequence(sequence(admissions)))).registrationNumber).toBe('9-A');
  });

  test('has the registration number of the one entry that names it', () => {
    const two = wrap(sequence(ITEMS, OIDS) + sequence(ITEMS, OIDS, NUMBER));
    expect(readAdmission(hex(two)).registrationNumber).toBe('9-A');
  });

  test('with two different registration numbers is refused', () => {
    const two = wrap(sequence(ITEMS, OIDS, NUMBER) + sequence(ITEMS, OIDS, '1303392d42'));
    expect(certCodeOf(() => readAdmission(hex(two)))).toBe('CERT_UNREADABLE');
  });

  test.each([
    ['no DER', '30 05 30'],
    ['another type', '0c 01 41'],
    ['one SEQUENCE too few', sequence(sequence(sequence(sequence(ITEMS, OIDS))))],
    ['a profession item that is a number', wrap(sequence('3003 020101', OIDS))],
    ['a profession OID that is text', wrap(sequence(ITEMS, '3003 0c0141'))],
    ['an unknown member of ProfessionInfo', wrap(sequence(ITEMS, OIDS, NUMBER, '0500'))],
    ['two contents', sequence(sequence(), sequence())],
    [
      'two authorities',
      sequence('82 03 61 2e 62', '82 03 61 2e 62', sequence(sequence(sequence(sequence(ITEMS, OIDS))))),
    ],
    ['two lists of entries', sequence(sequence(sequence(sequence(sequence(ITEMS)), sequence(sequence(ITEMS, OIDS)))))],
    ['no contents', sequence()],
  ])('that is %s is refused', (_what, text) => {
    expect(certCodeOf(() => readAdmission(hex(text)))).toBe('CERT_UNREADABLE');
  });
});
