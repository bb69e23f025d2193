// Trust-service lists (ETSI TS 102 231, CRT-05): what is read from one, who may have signed it, and that each other list is refused.
// The simulator's lists are the sample; the official schema and libxml2 judge them (test/unit/wire has the signature itself).
import { createHash, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { XmlDocument, XsdValidator } from 'libxml2-wasm';
import { xmlRegisterFsInputProviders } from 'libxml2-wasm/lib/nodejs.mjs';
import { describe, expect, test } from 'vitest';
import { CertError } from '../../../certs/error.ts';
import { type Issued, mintCa, mintLeaf, mintRoot } from '../../../certs/mint.ts';
import { readTrustList, TSL_SIGNING } from '../../../certs/tsl.ts';
import { signDocument, type TrustListOptions, unsignedList, writeTrustList } from '../../../connector-sim/tsl.ts';
import { describeWithSchemas } from '../../support/schemas.ts';

const DAY = 86_400_000;
const NOW = Math.floor(Date.now() / 1000) * 1000;
const root = mintRoot('TI Root CA');
const [smcb, component] = [mintCa(root, 'SMC-B CA'), mintCa(root, 'Komponenten-CA')];
const ocsp = mintLeaf(component, { commonName: 'OCSP', extendedKeyUsage: ['OCSPSigning'] });
const tslCa = mintRoot('TSL-CA');
const signerProfile = { commonName: 'TSL Signer', keyUsage: ['digitalSignature'], extendedKeyUsage: [TSL_SIGNING] };
const signer = mintLeaf(tslCa, signerProfile);

const right: TrustListOptions = {
  sequence: 4711,
  issued: NOW - DAY,
  nextUpdate: NOW + 7 * DAY,
  signer,
  services: [
    { type: 'CA/PKC', issued: smcb },
    { type: 'CA/PKC', issued: component },
    { type: 'Certstatus/OCSP', issued: ocsp },
  ],
};
const read = (text: string, anchors: Issued[] = [tslCa], at = NOW) =>
  readTrustList(Buffer.from(text), { anchors: anchors.map((one) => one.certificate), at: new Date(at) });
function codeOf(text: string, anchors?: Issued[], at?: number): string {
  try {
    read(text, anchors, at);
    return 'nothing thrown';
  } catch (thrown) {
    if (thrown instanceof CertError) return thrown.code;
    throw thrown;
  }
}
const subjects = (all: { subject: string }[]) => all.map((one) => one.subject);

describe('a list', () => {
  test('says its number, its times, the CAs and the OCSP responders (CRT-05)', () => {
    const list = read(writeTrustList(right));
    expect(list).toMatchObject({ sequence: 4711, issued: new Date(NOW - DAY), nextUpdate: new Date(NOW + 7 * DAY) });
    expect(subjects(list.cas)).toEqual(subjects([smcb.certificate, component.certificate]));
    expect(subjects(list.ocspSigners)).toEqual(subjects([ocsp.certificate]));
  });

  test('leaves out what is no longer in force', () => {
    const status = 'http://uri.etsi.org/TrstSvc/Svcstatus/revoked';
    const services = right.services.map((one) => (one.issued === smcb ? { ...one, status } : one));
    expect(subjects(read(writeTrustList({ ...right, services })).cas)).toEqual(subjects([component.certificate]));
  });

  test('may call a service granted, as later versions do', () => {
    const status = 'http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted';
    const services = right.services.map((one) => ({ ...one, status }));
    expect(read(writeTrustList({ ...right, services })).cas).toHaveLength(2);
  });

  test('passes over a certificate that cannot be read and keeps the others', () => {
    const der = Buffer.from(smcb.certificate.der).toString('base64');
    const broken = {
      ...right.services[0],
      issued: { ...smcb, certificate: { ...smcb.certificate, der: Buffer.of(1, 2) } },
    };
    const text = writeTrustList({ ...right, services: [broken as (typeof right.services)[0], ...right.services] });
    expect(text).toContain(der);
    expect(read(text).cas).toHaveLength(2);
  });

  describeWithSchemas('by the official schema', (dir) => {
    test('is valid', () => {
      xmlRegisterFsInputProviders();
      const url = join(dir, 'schemas/konnektor/ext/tsl.xsd');
      using schema = XmlDocument.fromBuffer(readFileSync(url), { url });
      using document = XmlDocument.fromString(writeTrustList(right));
      XsdValidator.fromDoc(schema).validate(document);
    });
  });
});

describe('its signer', () => {
  test('may be an anchor itself', () => {
    const alone = mintLeaf(tslCa, { commonName: 'TSL Signer', keyUsage: ['digitalSignature'] });
    expect(codeOf(writeTrustList({ ...right, signer: alone }), [alone])).toBe('nothing thrown');
  });

  test('must be in time also where it is an anchor', () => {
    const when = { notBefore: new Date(NOW - 9 * DAY), notAfter: new Date(NOW - DAY) };
    const expired = mintLeaf(tslCa, { commonName: 'TSL Signer', keyUsage: ['digitalSignature'], ...when });
    expect(codeOf(writeTrustList({ ...right, signer: expired }), [expired])).toBe('TSL_SIGNER_UNTRUSTED');
  });

  test.each<[string, Issued, Issued[]?]>([
    ['of another CA with the same name', mintLeaf(mintRoot('TSL-CA'), signerProfile)],
    ['of the root of the certificates', mintLeaf(root, signerProfile)],
    ['of the right CA, for something else', mintLeaf(tslCa, { ...signerProfile, extendedKeyUsage: [] })],
    ['that may not sign', mintLeaf(tslCa, { ...signerProfile, keyUsage: ['keyAgreement'] })],
    [
      'that has expired',
      mintLeaf(tslCa, { ...signerProfile, notBefore: new Date(NOW - 9 * DAY), notAfter: new Date(NOW - DAY) }),
    ],
    ['that is not valid yet', mintLeaf(tslCa, { ...signerProfile, notBefore: new Date(NOW + DAY) })],
    ['below another end-entity certificate', mintLeaf(signer, signerProfile)],
    ['of nobody who is an anchor', signer, []],
  ])('%s is refused', (_what, by, anchors) => {
    expect(codeOf(writeTrustList({ ...right, signer: by }), anchors)).toBe('TSL_SIGNER_UNTRUSTED');
  });

  test('that is an anchor itself is refused once it has expired', () => {
    const [notBefore, notAfter] = [new Date(NOW - 9 * DAY), new Date(NOW - DAY)];
    const alone = mintLeaf(tslCa, { commonName: 'TSL Signer', keyUsage: ['digitalSignature'], notBefore, notAfter });
    const text = writeTrustList({ ...right, signer: alone });
    expect(codeOf(text, [alone])).toBe('TSL_SIGNER_UNTRUSTED');
    expect(codeOf(text, [alone], NOW - 2 * DAY)).toBe('nothing thrown');
  });

  test('cannot be one that the list names without having signed it', () => {
    const forged = { ...signer, privateKey: mintLeaf(tslCa, signerProfile).privateKey };
    expect(codeOf(writeTrustList({ ...right, signer: forged }))).toBe('TSL_SIGNATURE');
  });
});

describe('what is signed', () => {
  const text = writeTrustList(right);
  /** The list with a change that its signer has made. The changed text must be canonical as it stands. */
  function signedAnew(change: (text: string) => string): string {
    const changed = change(text);
    expect(changed).not.toBe(text);
    const whole = changed.replace(/^<\?xml[^\n]*\n/, '').replace(/<ds:Signature .*<\/ds:Signature>/, '');
    const digest = createHash('sha256').update(whole).digest('base64');
    const infoBefore = /<ds:SignedInfo.*<\/ds:SignedInfo>/.exec(changed)?.[0] ?? '';
    const info = infoBefore.replace(/(?<=<ds:DigestValue>)[^<]*/, digest);
    const value = sign('sha256', Buffer.from(info), { key: signer.privateKey, dsaEncoding: 'ieee-p1363' });
    return changed.replace(infoBefore, info).replace(/(?<=<ds:SignatureValue>)[^<]*/, value.toString('base64'));
  }

  test('may hold elements of other namespaces, whatever their names', () => {
    const foreign = (name: string) => `<${name} xmlns="urn:other"></${name}>`;
    const list = signedAnew((list) =>
      list
        .replace('<SchemeInformation>', `${foreign('SchemeInformation')}<SchemeInformation>`)
        .replace('<TSPService>', `${foreign('TSPService')}<TSPService>`),
    );
    expect(read(list).cas).toHaveLength(2);
  });

  test.each<[string, (list: string) => string]>([
    ['another kind of document', (list) => list.replaceAll('TrustServiceStatusList', 'OtherList')],
    ['two numbers', (list) => list.replace('<TSLSequenceNumber>', '<TSLSequenceNumber>1</TSLSequenceNumber>$&')],
    ['no number', (list) => list.replace(/<TSLSequenceNumber>.*<\/TSLSequenceNumber>/, '')],
    ['an end without a time of day', (list) => list.replace(/(<dateTime>[^T]*)T[^<]*/, '$1')],
    ['an end in a thirteenth month', (list) => list.replace(/(<dateTime>\d{4})-\d\d/, '$1-13')],
  ])('is no list with %s', (_what, change) => {
    expect(codeOf(signedAnew(change))).toBe('TSL_UNREADABLE');
  });
});

describe('a list is refused', () => {
  const text = writeTrustList(right);
  test.each([
    ['whose number was changed', text.replace('>4711<', '>4712<'), 'TSL_SIGNATURE'],
    ['whose NextUpdate was changed', text.replace(/<dateTime>2/, '<dateTime>3'), 'TSL_SIGNATURE'],
    ['from which a CA was taken', text.replace(/<TSPService>.*?<\/TSPService>/, ''), 'TSL_SIGNATURE'],
    [
      'with a service behind the signature',
      text.replace('</TrustServiceStatusList>', '<TSPService/></TrustServiceStatusList>'),
      'TSL_SIGNATURE',
    ],
    ['without a signature', text.replace(/<ds:Signature .*<\/ds:Signature>/, ''), 'TSL_SIGNATURE'],
    ['that is no XML', 'no list', 'TSL_UNREADABLE'],
    ['with a DTD', text.replace('<TrustServiceStatusList', '<!DOCTYPE x><TrustServiceStatusList'), 'TSL_UNREADABLE'],
  ])('%s', (_what, changed, code) => {
    expect(changed).not.toBe(text);
    expect(codeOf(changed)).toBe(code);
  });

  test.each<[string, Partial<TrustListOptions>]>([
    ['with number 0', { sequence: 0 }],
    ['with half a number', { sequence: 1.5 }],
    ['that ends before it begins', { nextUpdate: NOW - 2 * DAY }],
  ])('%s, although it is signed', (_what, change) => {
    expect(codeOf(writeTrustList({ ...right, ...change }))).toBe('TSL_UNREADABLE');
  });

  const foreign = (name: string) => new RegExp(`<(${name})>(.*?)</${name}>`);
  test.each<[string, (text: string) => string]>([
    ['of another namespace', (text) => text.replace('http://uri.etsi.org/02231/v2#', 'urn:other')],
    ['of another name', (text) => text.replaceAll('TrustServiceStatusList', 'OtherList')],
    ['without a number', (text) => text.replace(/<TSLSequenceNumber>.*?<\/TSLSequenceNumber>/, '')],
    ['with two numbers', (text) => text.replace(/(<TSLSequenceNumber>.*?<\/TSLSequenceNumber>)/, '$1$1')],
    [
      'with the number of another namespace',
      (text) => text.replace(foreign('TSLSequenceNumber'), '<$1 xmlns="urn:other">$2</$1>'),
    ],
    [
      'with a time that is none',
      (text) => text.replace(/<dateTime>.*?<\/dateTime>/, '<dateTime>2199-13-45T00:00:00Z</dateTime>'),
    ],
    ['with a time without its zone', (text) => text.replace(/<dateTime>(.*?)Z<\/dateTime>/, '<dateTime>$1</dateTime>')],
    ['with a service without a status', (text) => text.replace(/<ServiceStatus>.*?<\/ServiceStatus>/, '')],
    ['with a service that tells two', (text) => text.replace(/(<ServiceStatus>.*?<\/ServiceStatus>)/, '$1$1')],
  ])('%s, although it is signed', (_what, change) => {
    const unchanged = unsignedList(right);
    const changed = change(unchanged);
    expect(changed).not.toBe(unchanged);
    expect(codeOf(signDocument(changed, signer))).toBe('TSL_UNREADABLE');
  });
});

test('services and certificates of another namespace, or elsewhere under another name, are none of the list’s', () => {
  const cas = (text: string) => subjects(read(signDocument(text, signer)).cas);
  const text = unsignedList(right);
  expect(cas(text)).toHaveLength(2);
  // The first service alone; the second one's CA stays.
  const other = (name: string) => text.replace(new RegExp(`<${name}>`), `<${name} xmlns="urn:other">`);
  expect(cas(other('TSPService'))).toEqual(subjects([component.certificate]));
  expect(cas(other('DigitalId'))).toEqual(subjects([component.certificate]));
  expect(cas(other('X509Certificate'))).toEqual(subjects([component.certificate]));
  const renamed = text.replace('<TSPService>', '<OtherService>').replace('</TSPService>', '</OtherService>');
  expect(cas(renamed)).toEqual(subjects([component.certificate]));
});
