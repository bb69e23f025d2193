// An SMC-B asked to sign, one call at a time (KON-13), over pulling and inserting the card (KON-05), its end and its successor
// (KON-09); what is no signature of its key over the hash does not leave the house.
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { type CardUse, SmcbCards } from '../../../../gateway/konnektor/smcb.ts';
import { signDigest } from '../../../../wire/ecdsa.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import { DAY } from '../../../support/test-pki.ts';
import {
  cardsAnswer,
  certificateAnswer,
  fault,
  pinAnswer,
  type Script,
  type ScriptedKonnektor,
  signatureAnswer,
} from './scripted-konnektor.ts';
import {
  anchors,
  DIGA,
  handleOf,
  hashOf,
  healthy,
  ICCSN,
  issue,
  mine,
  OTHER_ICCSN,
  signing,
  smcbCards,
  strangers,
} from './scripted-smcb.ts';

const HASH = new Uint8Array(randomBytes(32));
let clock = Date.now();
afterEach(() => {
  clock = Date.now();
});
const { cardsOf } = smcbCards(() => clock);

describe('signing', () => {
  test('4085 is SMCB_PIN_NOT_VERIFIED, never tried again, and the PIN is asked for by the next caller', async () => {
    const konnektor = healthy({ ExternalAuthenticate: fault(4085) });
    const cards = cardsOf(konnektor);
    const signer = await cards.signerFor(DIGA);
    expect((await gatewayErrorOf(() => signer.sign(HASH))).code).toBe('SMCB_PIN_NOT_VERIFIED');
    expect(konnektor.count('ExternalAuthenticate')).toBe(1);
    konnektor.script.GetPinStatus = pinAnswer('VERIFIABLE', 3);
    expect((await gatewayErrorOf(() => cards.signerFor(DIGA))).code).toBe('SMCB_PIN_NOT_VERIFIED');
    expect(konnektor.count('GetPinStatus')).toBe(2);
    konnektor.script.GetPinStatus = pinAnswer('VERIFIED');
    konnektor.script.ExternalAuthenticate = signing(mine);
    await (await cards.signerFor(DIGA)).sign(HASH);
  });
  test.each<[string, Script]>([
    ['another key', signing(strangers)],
    [
      'another hash',
      () => signatureAnswer(Buffer.from(signDigest(new Uint8Array(32), mine.privateKey)).toString('base64')),
    ],
    ['no key: zeros', signatureAnswer(Buffer.alloc(64).toString('base64'))],
    ['no key: an RSA signature', signatureAnswer(Buffer.alloc(256, 7).toString('base64'), 'urn:ietf:rfc:3447')],
  ])('a signature of %s does not leave the house', async (_name, script) => {
    const signer = await cardsOf(healthy({ ExternalAuthenticate: script })).signerFor(DIGA);
    expect((await gatewayErrorOf(() => signer.sign(HASH))).code).toBe('KONNEKTOR_ANSWER_INVALID');
  });
  test('what is no SHA-256 hash is our own mistake', async () => {
    const signer = await cardsOf(healthy()).signerFor(DIGA);
    expect((await gatewayErrorOf(() => signer.sign(new Uint8Array(31)))).code).toBe('INTERNAL');
  });
  test('is queued at the card: one call at a time, in order, and each is measured', async () => {
    let running = 0;
    let most = 0;
    const order: number[] = [];
    const uses: CardUse[] = [];
    const konnektor = healthy({
      ExternalAuthenticate: async (asked) => {
        running += 1;
        most = Math.max(most, running);
        order.push(hashOf(asked)[0] ?? -1);
        await Promise.resolve();
        running -= 1;
        return signatureAnswer(Buffer.from(signDigest(hashOf(asked), mine.privateKey)).toString('base64'));
      },
    });
    const observe = (use: CardUse) => uses.push(use);
    const cards = new SmcbCards({
      konnektors: [konnektor.client()],
      anchors: () => anchors,
      now: () => clock,
      observe,
    });
    const signer = await cards.signerFor(DIGA);
    await Promise.all([1, 2, 3, 4].map((n) => signer.sign(new Uint8Array(32).fill(n))));
    expect([most, order]).toEqual([1, [1, 2, 3, 4]]);
    expect(uses).toHaveLength(6);
    expect(uses.every(({ iccsn }) => iccsn === ICCSN)).toBe(true);
  });
  test('goes on in the queue after a failure', async () => {
    const konnektor = healthy({ ExternalAuthenticate: [fault(4093), fault(4093)] });
    const signer = await cardsOf(konnektor).signerFor(DIGA);
    const codes = await Promise.all([1, 2].map(async () => (await gatewayErrorOf(() => signer.sign(HASH))).code));
    expect(codes).toEqual(['KONNEKTOR_BUSY', 'KONNEKTOR_BUSY']);
    konnektor.script.ExternalAuthenticate = signing(mine);
    expect(await signer.sign(HASH)).toBeInstanceOf(Uint8Array);
  });
});

describe('pulling and inserting the card (KON-05)', () => {
  const reinserted = (code: number): ScriptedKonnektor =>
    healthy({
      GetCards: [cardsAnswer({ cardHandle: 'h1', iccsn: ICCSN }), cardsAnswer({ cardHandle: 'h2', iccsn: ICCSN })],
      ExternalAuthenticate: (asked) =>
        handleOf(asked) === 'h2'
          ? signatureAnswer(Buffer.from(signDigest(hashOf(asked), mine.privateKey)).toString('base64'))
          : fault(code),
    });

  test.each([4101, 4047, 4008])(
    'heals by itself: %i fetches the handle anew once, asks for the PIN and signs',
    async (code) => {
      const konnektor = reinserted(code);
      const cards = cardsOf(konnektor);
      const signer = await cards.signerFor(DIGA);
      await signer.sign(HASH);
      expect(konnektor.operations.slice(4)).toEqual([
        'ExternalAuthenticate',
        'GetCards',
        'GetCardTerminals',
        // Plugged anew, it may hold another certificate.
        'ReadCardCertificate',
        'GetPinStatus',
        'ExternalAuthenticate',
      ]);
      await signer.sign(HASH);
      expect(konnektor.count('ExternalAuthenticate')).toBe(3);
      expect(konnektor.count('ReadCardCertificate')).toBe(2);
    },
  );
  test('does not go round for ever: a handle that is invalid twice is SMCB_NOT_FOUND', async () => {
    const konnektor = healthy({ ExternalAuthenticate: fault(4101) });
    const signer = await cardsOf(konnektor).signerFor(DIGA);
    expect((await gatewayErrorOf(() => signer.sign(HASH))).code).toBe('SMCB_NOT_FOUND');
    expect(konnektor.count('ExternalAuthenticate')).toBe(2);
  });
  test('leaves its PIN unverified: the login ends with SMCB_PIN_NOT_VERIFIED and nothing is signed', async () => {
    const konnektor = reinserted(4101);
    const signer = await cardsOf(konnektor).signerFor(DIGA);
    konnektor.script.GetPinStatus = pinAnswer('VERIFIABLE', 3);
    expect((await gatewayErrorOf(() => signer.sign(HASH))).code).toBe('SMCB_PIN_NOT_VERIFIED');
    expect(konnektor.count('ExternalAuthenticate')).toBe(1);
  });
  test('between GetCards and reading its certificate is looked at once more', async () => {
    const konnektor = healthy({
      ReadCardCertificate: [fault(4101), certificateAnswer(mine.certificate.der)],
    });
    expect((await cardsOf(konnektor).signerFor(DIGA)).iccsn).toBe(ICCSN);
    expect(konnektor.count('GetCards')).toBe(2);
  });
  test('another card in its place is not taken for it in the middle of a login', async () => {
    const successor = issue();
    const konnektor = healthy({ ExternalAuthenticate: fault(4101) });
    const cards = cardsOf(konnektor);
    const signer = await cards.signerFor(DIGA);
    konnektor.script.GetCards = cardsAnswer({ cardHandle: 'n', iccsn: OTHER_ICCSN });
    konnektor.script.ReadCardCertificate = certificateAnswer(successor.certificate.der);
    expect((await gatewayErrorOf(() => signer.sign(HASH))).code).toBe('KONNEKTOR_BUSY');
    expect((await cards.signerFor(DIGA)).iccsn).toBe(OTHER_ICCSN);
  });
});

describe('time', () => {
  test('a remembered card that expires is CERTIFICATE_EXPIRED, without a restart', async () => {
    const cards = cardsOf(healthy());
    await cards.signerFor(DIGA);
    clock = mine.certificate.notAfter.getTime() + 1;
    expect((await gatewayErrorOf(() => cards.signerFor(DIGA))).code).toBe('CERTIFICATE_EXPIRED');
  });
  test('old and new card at once: the one in use stays until it expires, then the new one takes over (KON-09)', async () => {
    const successor = issue({ notAfter: new Date(Date.now() + 3000 * DAY) });
    const konnektor = healthy();
    const cards = cardsOf(konnektor);
    await cards.signerFor(DIGA);
    konnektor.script.GetCards = cardsAnswer(
      { cardHandle: 'n', iccsn: OTHER_ICCSN },
      { cardHandle: 'h1', iccsn: ICCSN },
    );
    konnektor.script.ReadCardCertificate = certificateAnswer(successor.certificate.der);
    konnektor.script.ExternalAuthenticate = fault(4085);
    const signer = await cards.signerFor(DIGA);
    await gatewayErrorOf(() => signer.sign(HASH));
    expect((await cards.signerFor(DIGA)).iccsn).toBe(ICCSN);
    clock = mine.certificate.notAfter.getTime() + 1;
    expect((await cards.signerFor(DIGA)).iccsn).toBe(OTHER_ICCSN);
  });
});

test('a card that is stopped is looked for anew by the DiGA that signs with it, and by no other (CRT-04)', async () => {
  const cards = cardsOf(healthy());
  const { iccsn } = await cards.signerFor(DIGA);
  expect([cards.stopped(strangers.certificate), cards.inUse(DIGA.id)?.iccsn]).toEqual([[], iccsn]);
  expect([cards.stopped(mine.certificate), cards.inUse(DIGA.id)]).toEqual([[DIGA.id], undefined]);
});
