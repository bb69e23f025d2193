// What each simulated Konnektor operation answers (konnektor.md 2), over mutual TLS, asked by hand-written messages.
import { createHash, randomBytes, verify } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ROLE } from '../../../../certs/admission.ts';
import { readCertificate } from '../../../../certs/certificate.ts';
import type { CertError } from '../../../../certs/error.ts';
import { requireKeyUsage, requireRole, verifyChain } from '../../../../certs/trust.ts';
import { setConnected, setInserted, setPinStatus } from '../../../../connector-sim/konnektor/cards.ts';
import { ecdsaToDer } from '../../../../wire/jose.ts';
import { context, find, findText, type KonnektorBench, startKonnektorBench } from '../../../support/konnektor-bench.ts';

let bench: KonnektorBench;
beforeEach(async () => {
  bench = await startKonnektorBench();
});
afterEach(() => bench.stop());

const card = () => {
  const found = bench.world.konnektor.cards.get(bench.pki.smcb.iccsn);
  if (found === undefined) throw new Error('no SMC-B in the world');
  return found;
};
const terminal = () => {
  const [found] = bench.world.konnektor.terminals.values();
  if (found === undefined) throw new Error('no terminal in the world');
  return found;
};
const handle = () => `<CONN:CardHandle>${bench.cardHandle()}</CONN:CardHandle>`;
const hashed = (hash: Uint8Array, type = 'urn:bsi:tr:03111:ecdsa') =>
  `${handle()}${context()}<SIG:OptionalInputs><dss:SignatureType>${type}</dss:SignatureType></SIG:OptionalInputs>` +
  `<SIG:BinaryString><dss:Base64Data MimeType="application/octet-stream">${Buffer.from(hash).toString('base64')}</dss:Base64Data></SIG:BinaryString>`;
const read = (ref: string, crypt = '<CERT:Crypt>ECC</CERT:Crypt>') =>
  `${handle()}${context()}<CERT:CertRefList><CERT:CertRef>${ref}</CERT:CertRef></CERT:CertRefList>${crypt}`;
const pin = (pinTyp = 'PIN.SMC') => `${context()}${handle()}<CARDCMN:PinTyp>${pinTyp}</CARDCMN:PinTyp>`;

const anchors = () => ({
  roots: [bench.pki.tiRoot.certificate],
  intermediates: [bench.pki.smcbCa.certificate],
  ocspSigners: [],
});

describe('GetCards', () => {
  test('lists the SMC-B and the terminal’s own SMC-KT by slot', async () => {
    const answer = await bench.call('GetCards', context());
    const cards = find(answer.soap.body, 'Cards')?.children ?? [];
    expect(answer.status).toBe(200);
    expect(cards.map((c) => [findText(c, 'CardType'), findText(c, 'SlotId')])).toEqual([
      ['SMC-B', '1'],
      ['SMC-KT', '4'],
    ]);
    expect(findText(cards[0], 'Iccsn')).toBe(bench.pki.smcb.iccsn);
  });

  test('SM-B is a collective filter, the answer carries the concrete type', async () => {
    const answer = await bench.call('GetCards', `${context()}<CARDCMN:CardType>SM-B</CARDCMN:CardType>`);
    expect(find(answer.soap.body, 'Cards')?.children.map((c) => findText(c, 'CardType'))).toEqual(['SMC-B']);
  });

  test('no card is an empty list, not a fault', async () => {
    setConnected(bench.world.konnektor, terminal(), false, bench.world.now());
    const answer = await bench.call('GetCards', context());
    expect([answer.code, find(answer.soap.body, 'Cards')?.children]).toEqual([null, []]);
  });

  test('mandant-wide ignores ClientSystem and Workplace', async () => {
    const answer = await bench.call('GetCards', context('m1', 'elsewhere', 'elsewhere'), ' mandant-wide="true"');
    expect(find(answer.soap.body, 'Cards')?.children).toHaveLength(2);
  });

  test('an SM-B another Mandant manages is not shown', async () => {
    for (const mandant of bench.world.konnektor.model.mandants) mandant.smbs = [];
    const answer = await bench.call('GetCards', context());
    expect(find(answer.soap.body, 'Cards')?.children.map((c) => findText(c, 'CardType'))).toEqual(['SMC-KT']);
  });

  test('a re-inserted card has a new handle and its PIN is to be verified again', async () => {
    const before = bench.cardHandle();
    setInserted(bench.world.konnektor, card(), false, bench.world.now());
    setInserted(bench.world.konnektor, card(), true, bench.world.now());
    expect(bench.cardHandle()).not.toBe(before);
    expect((await bench.call('GetPinStatus', pin())).text).toContain('VERIFIABLE');
    expect((await bench.call('GetPinStatus', pin().replace(bench.cardHandle(), before))).code).toBe(4101);
  });
});

describe('GetCardTerminals and GetResourceInformation', () => {
  test('a disconnected terminal stays listed, with Connected false', async () => {
    setConnected(bench.world.konnektor, terminal(), false, bench.world.now());
    const answer = await bench.call('GetCardTerminals', context());
    expect([findText(answer.soap.body, 'CtId'), findText(answer.soap.body, 'Connected')]).toEqual([
      terminal().ctId,
      'false',
    ]);
  });

  test('context only asks for the Konnektor itself, whose error state names the missing terminal', async () => {
    setConnected(bench.world.konnektor, terminal(), false, bench.world.now());
    const answer = await bench.call('GetResourceInformation', context());
    const states = find(answer.soap.body, 'OperatingState')?.children ?? [];
    expect(states.map((s) => [findText(s, 'ErrorCondition'), findText(s, 'Value')])).toContainEqual([
      `EC_CardTerminal_Not_Available(${terminal().ctId})`,
      'true',
    ]);
    expect(findText(answer.soap.body, 'ConnectionStatus')).toBe('Online');
  });

  test('a handle, an ICCSN and terminal with slot all name the same card', async () => {
    const { iccsn, ctId } = card();
    const answers = await Promise.all([
      bench.call('GetResourceInformation', `${context()}${handle()}`),
      bench.call('GetResourceInformation', `${context()}<CARDCMN:Iccsn>${iccsn}</CARDCMN:Iccsn>`),
      bench.call(
        'GetResourceInformation',
        `${context()}<CARDCMN:CtId>${ctId}</CARDCMN:CtId><CARDCMN:SlotId>1</CARDCMN:SlotId>`,
      ),
    ]);
    expect(answers.map((a) => findText(a.soap.body, 'CardHandle'))).toEqual(Array(3).fill(bench.cardHandle()));
  });

  test('an ICCSN in no slot is 4008, two resources at once 4000', async () => {
    const none = await bench.call(
      'GetResourceInformation',
      `${context()}<CARDCMN:Iccsn>${'0'.repeat(20)}</CARDCMN:Iccsn>`,
    );
    const both = await bench.call(
      'GetResourceInformation',
      `${context()}<CARDCMN:Iccsn>${card().iccsn}</CARDCMN:Iccsn>${handle()}`,
    );
    expect([none.code, both.code]).toEqual([4008, 4000]);
  });
});

describe('ReadCardCertificate', () => {
  test('C.AUT chains to the TI root, has the DiGA role and the Telematik-ID', async () => {
    const answer = await bench.call('ReadCardCertificate', read('C.AUT'));
    const leaf = readCertificate(Buffer.from(findText(answer.soap.body, 'X509Certificate') ?? '', 'base64'));
    expect(verifyChain({ leaf, anchors: anchors(), at: new Date() })).toHaveLength(3);
    expect(() => requireRole(leaf, ROLE.diga)).not.toThrow();
    expect(leaf.admission?.registrationNumber).toBe('9-DEMO-DIGA-0001');
    expect(findText(answer.soap.body, 'X509SerialNumber')).toBe(BigInt(`0x${leaf.serialNumber}`).toString());
  });

  test('the three certificates of the card are three keys', async () => {
    const list = ['C.AUT', 'C.ENC', 'C.SIG'].map((ref) => `<CERT:CertRef>${ref}</CERT:CertRef>`).join('');
    const answer = await bench.call(
      'ReadCardCertificate',
      `${handle()}${context()}<CERT:CertRefList>${list}</CERT:CertRefList><CERT:Crypt>ECC</CERT:Crypt>`,
    );
    const infos = find(answer.soap.body, 'X509DataInfoList')?.children ?? [];
    expect(new Set(infos.map((i) => findText(i, 'X509Certificate'))).size).toBe(3);
  });

  test('what the card lacks comes without X509Data: C.QES, and everything in RSA', async () => {
    const qes = await bench.call('ReadCardCertificate', read('C.QES'));
    const rsa = await bench.call('ReadCardCertificate', read('C.AUT', '<CERT:Crypt>RSA</CERT:Crypt>'));
    expect([qes.status, rsa.status]).toEqual([200, 200]);
    expect([find(qes.soap.body, 'X509Data'), find(rsa.soap.body, 'X509Data')]).toEqual([undefined, undefined]);
  });

  test.each([
    ['role', 'CERT_ROLE'],
    ['root', 'CERT_SIGNATURE'],
    ['expired', 'CERT_EXPIRED'],
    ['key-usage', 'CERT_KEY_USAGE'],
  ])('fault wrong-certificate, %s: same card, same Telematik-ID, and only %s', async (which, code) => {
    bench.faults.add({ at: 'konnektor.ReadCardCertificate', kind: 'wrong-certificate', times: 1, params: { which } });
    const answer = await bench.call('ReadCardCertificate', read('C.AUT'));
    const leaf = readCertificate(Buffer.from(findText(answer.soap.body, 'X509Certificate') ?? '', 'base64'));
    const codes: unknown[] = [];
    for (const check of [
      () => requireRole(leaf, ROLE.diga),
      () => requireKeyUsage(leaf, 'digitalSignature'),
      () => verifyChain({ leaf, anchors: anchors(), at: new Date() }),
    ]) {
      try {
        check();
      } catch (error) {
        codes.push((error as CertError).code);
      }
    }
    expect(codes).toEqual([code]);
    expect(leaf.admission?.registrationNumber).toBe('9-DEMO-DIGA-0001');
  });

  test('an SMC-KT has no such certificates: 4209', async () => {
    const kt = bench.world.konnektor.cards.get(bench.pki.smcktIccsn)?.cardHandle ?? '';
    expect((await bench.call('ReadCardCertificate', read('C.AUT').replace(bench.cardHandle(), kt))).code).toBe(4209);
  });
});

describe('ExternalAuthenticate', () => {
  const data = Buffer.from('signing input');
  const sha256 = createHash('sha256').update(data).digest();
  const publicKey = () => {
    const key = card().certificates.get('C.AUT')?.certificate.publicKey;
    if (key === undefined) throw new Error('the card has no C.AUT');
    return key;
  };
  const signature = (answer: { soap: { body: Parameters<typeof findText>[0] } }) =>
    Buffer.from(findText(answer.soap.body, 'Base64Signature') ?? '', 'base64');

  test('signs the given hash as it stands, with the AUT key, as DER', async () => {
    const answer = await bench.call('ExternalAuthenticate', hashed(sha256));
    expect(signature(answer)[0]).toBe(0x30);
    expect(verify('sha256', data, publicKey(), signature(answer))).toBe(true);
    expect(find(answer.soap.body, 'Base64Signature')?.attributes.get('Type')).toBe('urn:bsi:tr:03111:ecdsa');
  });

  test('signs as raw r‖s where the Konnektor is of that kind', async () => {
    bench.world.konnektor.signatureFormat = 'raw';
    const value = signature(await bench.call('ExternalAuthenticate', hashed(sha256)));
    expect(value).toHaveLength(64);
    expect(verify('sha256', data, publicKey(), ecdsaToDer(value))).toBe(true);
  });

  test('fault wrong-signature: well-formed, but of something else', async () => {
    bench.faults.add({ at: 'konnektor.ExternalAuthenticate', kind: 'wrong-signature', times: 1 });
    const value = signature(await bench.call('ExternalAuthenticate', hashed(sha256)));
    expect(verify('sha256', data, publicKey(), value)).toBe(false);
  });

  test('4085 while the PIN is not verified, and for a Mandant whose card session is not', async () => {
    card().verifiedFor = new Set(['another Mandant']);
    expect((await bench.call('ExternalAuthenticate', hashed(sha256))).code).toBe(4085);
    setPinStatus(bench.world.konnektor, card(), 'BLOCKED');
    expect((await bench.call('ExternalAuthenticate', hashed(sha256))).code).toBe(4085);
  });

  test.each([
    ['an empty hash', 0],
    ['31 bytes', 31],
    ['33 bytes', 33],
    ['more than 512 bits', 65],
  ])('%s is 4000', async (_name, length) => {
    expect((await bench.call('ExternalAuthenticate', hashed(randomBytes(length)))).code).toBe(4000);
  });

  test('a longer hash is cut to the curve’s 256 bits', async () => {
    const long = createHash('sha512').update(data).digest();
    const answer = await bench.call('ExternalAuthenticate', hashed(long));
    expect(verify('sha512', data, publicKey(), signature(answer))).toBe(true);
  });

  test('RSA, or no type at all, is refused: the card has no such key', async () => {
    const omitted = hashed(sha256).replace(/<SIG:OptionalInputs>.*<\/SIG:OptionalInputs>/, '');
    expect((await bench.call('ExternalAuthenticate', hashed(sha256, 'urn:ietf:rfc:3447'))).code).toBe(4000);
    expect((await bench.call('ExternalAuthenticate', omitted)).code).toBe(4000);
  });
});
