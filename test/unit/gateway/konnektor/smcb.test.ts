// The SMC-B as an object: found, judged, remembered, asked to sign (KON-05, KON-09, KON-11, KON-13..15); each thing that
// can be wrong with card, PIN, terminal and certificate alone has its own code.
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { ROLE } from '../../../../certs/admission.ts';
import { type Issued, type LeafProfile, mintCa, mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import { type CardUse, SmcbCards } from '../../../../gateway/konnektor/smcb.ts';
import { ecdsaToRaw, signDigest } from '../../../../wire/ecdsa.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import { anchorsOf, DAY, DIGA_ADMISSION } from '../../../support/test-pki.ts';
import {
  type Asked,
  cardsAnswer,
  certificateAnswer,
  fault,
  pinAnswer,
  type Script,
  type ScriptedCard,
  ScriptedKonnektor,
  signatureAnswer,
  terminalsAnswer,
} from './scripted-konnektor.ts';

const TELEMATIK_ID = DIGA_ADMISSION.registrationNumber;
const DIGA = { id: 'demo', telematikId: TELEMATIK_ID, konnektors: ['k1'] };
const ICCSN = '80276000000000000001';
const OTHER_ICCSN = '80276000000000000002';
const HASH = new Uint8Array(randomBytes(32));

const root = mintRoot('Root');
const ca = mintCa(root, 'SMC-B CA');
const issue = (more: Partial<LeafProfile> = {}, issuer = ca) =>
  mintLeaf(issuer, { commonName: 'Muster DiGA GmbH', admission: DIGA_ADMISSION, ...more });
const mine = issue();
const strangers = issue({ admission: { ...DIGA_ADMISSION, registrationNumber: '9-OTHER' } });
const anchors = { ...anchorsOf(root), intermediates: [ca.certificate] };

/** The hash that a request asks to be signed, and the handle it names. */
const hashOf = ({ body }: Asked) => Buffer.from(/<dss:Base64Data[^>]*>([^<]+)</.exec(body)?.[1] ?? '', 'base64');
const handleOf = ({ body }: Asked) => /<CONN:CardHandle>([^<]+)</.exec(body)?.[1] ?? '';

const signing =
  (card: Issued, form = (der: Uint8Array) => der): Script =>
  (asked) =>
    signatureAnswer(Buffer.from(form(signDigest(hashOf(asked), card.privateKey))).toString('base64'));

/** A Konnektor with one healthy card of ours, changed where a test wants it. */
function healthy(more: Record<string, Script> = {}): ScriptedKonnektor {
  return new ScriptedKonnektor({
    GetCards: cardsAnswer({ cardHandle: 'h1', iccsn: ICCSN }),
    GetCardTerminals: terminalsAnswer({ ctId: 'CT1' }),
    ReadCardCertificate: certificateAnswer(mine.certificate.der),
    GetPinStatus: pinAnswer('VERIFIED'),
    ExternalAuthenticate: signing(mine),
    ...more,
  });
}

let clock = Date.now();
afterEach(() => {
  clock = Date.now();
});

function cardsOf(...konnektors: ScriptedKonnektor[]): SmcbCards {
  const clients = konnektors.map((one, index) => one.client({ id: `k${index + 1}` }));
  return new SmcbCards({ konnektors: clients, anchors: () => anchors, now: () => clock });
}

const refusalOf = (konnektor: ScriptedKonnektor) => gatewayErrorOf(() => cardsOf(konnektor).signerFor(DIGA));

describe('a healthy card', () => {
  test('is found by its Telematik-ID and signs the hash as given', async () => {
    const konnektor = healthy();
    const signer = await cardsOf(konnektor).signerFor(DIGA);
    expect(signer).toMatchObject({ telematikId: TELEMATIK_ID, iccsn: ICCSN, certificateDer: mine.certificate.der });
    await signer.sign(HASH);
    expect(konnektor.operations).toEqual([
      'GetCards',
      'GetCardTerminals',
      'ReadCardCertificate',
      'GetPinStatus',
      'ExternalAuthenticate',
    ]);
    expect(konnektor.asked[1]?.body).toMatch(/mandant-wide="true".*<CARDCMN:CardType>SM-B</);
  });
  test('may give its signature as r and s (some Konnektors do)', async () => {
    const raw = healthy({ ExternalAuthenticate: signing(mine, ecdsaToRaw) });
    expect(await (await cardsOf(raw).signerFor(DIGA)).sign(HASH)).toHaveLength(64);
  });
  test('is asked about once: a hundred exports cost no further call', async () => {
    const konnektor = healthy();
    const cards = cardsOf(konnektor);
    await Promise.all(Array.from({ length: 100 }, () => cards.signerFor(DIGA)));
    await cards.signerFor(DIGA);
    expect(konnektor.operations).toHaveLength(4);
  });
  test('is nobody else’s: the same DiGA under another Telematik-ID does not sign with it (EXP-26)', async () => {
    const cards = cardsOf(healthy());
    await cards.signerFor(DIGA);
    const renamed = gatewayErrorOf(() => cards.signerFor({ ...DIGA, telematikId: '9-OTHER' }));
    expect((await renamed).code).toBe('SMCB_NOT_FOUND');
  });
  test('may be an HSM-B in a virtual terminal that is never connected, with no PIN at all (KON-14)', async () => {
    const konnektor = healthy({
      GetCards: cardsAnswer({ cardHandle: 'h1', iccsn: ICCSN, cardType: 'HSM-B', ctId: 'VKT' }),
      GetCardTerminals: terminalsAnswer({ ctId: 'VKT', connected: false, physical: false }),
      GetPinStatus: fault(4072),
    });
    expect((await cardsOf(konnektor).signerFor(DIGA)).iccsn).toBe(ICCSN);
  });
  test.each<[string, Script]>([
    ['refuses', fault(4000)],
    ['has no such operation', { status: 404, body: '<html>not here</html>' }],
    ['answers an error page', { status: 500, body: 'Internal Server Error' }],
  ])('is found too at a Konnektor that %s to list its terminals', async (_what, GetCardTerminals) => {
    expect((await cardsOf(healthy({ GetCardTerminals })).signerFor(DIGA)).iccsn).toBe(ICCSN);
    const none = await refusalOf(healthy({ GetCardTerminals, GetCards: cardsAnswer() }));
    expect(none.message).toContain('GetCardTerminals');
  });
  test('may have its PIN protection off', async () => {
    expect((await cardsOf(healthy({ GetPinStatus: pinAnswer('DISABLED') })).signerFor(DIGA)).iccsn).toBe(ICCSN);
  });
  test('is found among cards of others, of other types, without ICCSN and unreadable ones', async () => {
    const cards: ScriptedCard[] = [
      { cardHandle: 'kt', iccsn: '80276000000000000009', cardType: 'SMC-KT' },
      { cardHandle: 'none' },
      { cardHandle: 'broken', iccsn: '80276000000000000003' },
      { cardHandle: 'empty', iccsn: '80276000000000000004' },
      { cardHandle: 'garbage', iccsn: '80276000000000000005' },
      { cardHandle: 'other', iccsn: OTHER_ICCSN },
      { cardHandle: 'h1', iccsn: ICCSN },
    ];
    const read: Script = (asked) => {
      if (handleOf(asked) === 'broken') return fault(4045);
      if (handleOf(asked) === 'empty') return certificateAnswer(null);
      if (handleOf(asked) === 'garbage') return certificateAnswer(Uint8Array.of(0x30, 0x00));
      return certificateAnswer((handleOf(asked) === 'h1' ? mine : strangers).certificate.der);
    };
    const konnektor = healthy({ GetCards: cardsAnswer(...cards), ReadCardCertificate: read });
    expect((await cardsOf(konnektor).signerFor(DIGA)).iccsn).toBe(ICCSN);
    expect(konnektor.asked.filter((one) => one.operation === 'ReadCardCertificate').map(handleOf)).toEqual([
      'broken',
      'empty',
      'garbage',
      'other',
      'h1',
    ]);
  });
});

describe('a card that is not usable', () => {
  test.each([
    ['VERIFIABLE', 'SMCB_PIN_NOT_VERIFIED'],
    ['BLOCKED', 'SMCB_PIN_BLOCKED'],
    ['TRANSPORT_PIN', 'SMCB_PIN_TRANSPORT'],
    ['EMPTY_PIN', 'SMCB_PIN_TRANSPORT'],
  ])('because its PIN is %s: %s, and nobody is prompted', async (status, code) => {
    const konnektor = healthy({ GetPinStatus: pinAnswer(status, 2) });
    const error = await refusalOf(konnektor);
    expect([error.code, error.kind]).toEqual([code, 'operator']);
    expect(error.message).toBe(`card ${ICCSN}: PIN.SMC is ${status}, 2 tries left`);
    expect(konnektor.operations).not.toContain('VerifyPin');
    expect(konnektor.operations).not.toContain('ExternalAuthenticate');
  });
  test('because an SMC-B has no answer about its PIN', async () => {
    expect((await refusalOf(healthy({ GetPinStatus: fault(4072) }))).code).toBe('KONNEKTOR_FAULT');
  });

  const yesterday = new Date(Date.now() - DAY);
  const certificates: [why: string, card: Issued, code: string, check: string | undefined][] = [
    ['of another PKI', issue({}, mintCa(mintRoot('Other root'), 'SMC-B CA')), 'SMCB_UNTRUSTED', 'smcb.chain'],
    [
      'of a CA of the right name with another key',
      issue({}, mintCa(mintRoot('Root'), 'SMC-B CA')),
      'SMCB_UNTRUSTED',
      'smcb.chain',
    ],
    ['issued by a card instead of a CA', issue({}, mine), 'SMCB_UNTRUSTED', 'smcb.chain'],
    ['not for signatures', issue({ keyUsage: ['keyAgreement'] }), 'SMCB_UNTRUSTED', 'smcb.key-usage'],
    ['without any key usage', issue({ keyUsage: [] }), 'SMCB_UNTRUSTED', 'smcb.key-usage'],
    [
      'expired',
      issue({ notBefore: new Date(Date.now() - 9 * DAY), notAfter: yesterday }),
      'CERTIFICATE_EXPIRED',
      'smcb.validity',
    ],
    ['not valid yet', issue({ notBefore: new Date(Date.now() + DAY) }), 'CERTIFICATE_EXPIRED', 'smcb.validity'],
    [
      'of another role',
      issue({ admission: { ...DIGA_ADMISSION, professionOids: [ROLE.epaVau] } }),
      'SMCB_WRONG_ROLE',
      'smcb.role',
    ],
    [
      'of two roles',
      issue({ admission: { ...DIGA_ADMISSION, professionOids: [ROLE.diga, ROLE.epaVau] } }),
      'SMCB_WRONG_ROLE',
      'smcb.role',
    ],
    ['on P-256, though brainpool was asked for', issue({ curve: 'P-256' }), 'KONNEKTOR_ANSWER_INVALID', 'smcb.curve'],
  ];
  test.each(certificates)('because its certificate is %s', async (_why, card, code, check) => {
    const konnektor = healthy({ ReadCardCertificate: certificateAnswer(card.certificate.der) });
    const error = await refusalOf(konnektor);
    expect([error.code, error.check]).toEqual([code, check]);
    expect(error.message).toContain(ICCSN);
    expect(konnektor.operations).not.toContain('GetPinStatus');
  });
  test('and was refused for its certificate: it is read again and taken once it is right', async () => {
    let read = issue({ keyUsage: [] });
    const konnektor = healthy({ ReadCardCertificate: () => certificateAnswer(read.certificate.der) });
    const cards = cardsOf(konnektor);
    expect((await gatewayErrorOf(() => cards.signerFor(DIGA))).check).toBe('smcb.key-usage');
    read = mine;
    expect((await cards.signerFor(DIGA)).iccsn).toBe(ICCSN);
  });
  test('because its root was taken out of the anchors meanwhile, and is taken back when the root is there again', async () => {
    const konnektor = healthy();
    let roots = anchors.roots;
    const cards = new SmcbCards({
      konnektors: [konnektor.client()],
      anchors: () => ({ ...anchors, roots }),
      now: () => clock,
    });
    await cards.signerFor(DIGA);
    roots = [];
    cards.forget();
    expect(await gatewayErrorOf(() => cards.signerFor(DIGA))).toMatchObject({
      code: 'SMCB_UNTRUSTED',
      check: 'smcb.chain',
    });
    roots = anchors.roots;
    cards.forget();
    expect((await cards.signerFor(DIGA)).iccsn).toBe(ICCSN);
  });
  test('because a search that began under the anchors of before remembers nothing', async () => {
    let roots = anchors.roots;
    const cards = new SmcbCards({
      konnektors: [
        healthy({
          // The certificate is judged, and while the PIN is asked for the root goes.
          GetPinStatus: () => {
            roots = [];
            cards.forget();
            return pinAnswer('VERIFIED');
          },
        }).client(),
      ],
      anchors: () => ({ ...anchors, roots }),
      now: () => clock,
    });
    await cards.signerFor(DIGA);
    expect(await gatewayErrorOf(() => cards.signerFor(DIGA))).toMatchObject({ code: 'SMCB_UNTRUSTED' });
  });
  test('because a CA above it has expired', async () => {
    const old = mintCa(root, 'Old CA', { notAfter: yesterday });
    const konnektor = healthy({ ReadCardCertificate: certificateAnswer(issue({}, old).certificate.der) });
    const cards = new SmcbCards({
      konnektors: [konnektor.client()],
      anchors: () => ({ ...anchors, intermediates: [old.certificate] }),
      now: () => clock,
    });
    expect(await gatewayErrorOf(() => cards.signerFor(DIGA))).toMatchObject({
      code: 'CERTIFICATE_EXPIRED',
      check: 'smcb.chain-validity',
    });
  });
});

describe('a card that is not there', () => {
  test('is SMCB_NOT_FOUND, naming the cards there by ICCSN and nobody by Telematik-ID', async () => {
    const error = await refusalOf(healthy({ ReadCardCertificate: certificateAnswer(strangers.certificate.der) }));
    expect(error.code).toBe('SMCB_NOT_FOUND');
    expect(error.message).toContain(ICCSN);
    expect(error.message).not.toMatch(/9-/);
  });
  test('is SMCB_NOT_FOUND when no card is there at all', async () => {
    expect((await refusalOf(healthy({ GetCards: cardsAnswer() }))).code).toBe('SMCB_NOT_FOUND');
  });
  test('is SMCB_NOT_FOUND when its certificate has no admission', async () => {
    const bare = mintLeaf(ca, { commonName: 'No admission' });
    expect((await refusalOf(healthy({ ReadCardCertificate: certificateAnswer(bare.certificate.der) }))).code).toBe(
      'SMCB_NOT_FOUND',
    );
  });
  test('is what hindered reading when a card could not be read', async () => {
    expect((await refusalOf(healthy({ ReadCardCertificate: fault(4045) }))).code).toBe('KONNEKTOR_BUSY');
  });
  test('ends the search when the Konnektor goes away: the other cards are not tried', async () => {
    const konnektor = healthy({
      GetCards: cardsAnswer({ cardHandle: 'o', iccsn: OTHER_ICCSN }, { cardHandle: 'h1', iccsn: ICCSN }),
      ReadCardCertificate: 'TIMEOUT',
    });
    expect((await refusalOf(konnektor)).code).toBe('KONNEKTOR_UNREACHABLE');
    expect(konnektor.count('ReadCardCertificate')).toBe(1);
  });
  test('is TERMINAL_OFFLINE when it stands in a terminal that is not connected; the card is not asked', async () => {
    const konnektor = healthy({ GetCardTerminals: terminalsAnswer({ ctId: 'CT1', connected: false }) });
    const error = await refusalOf(konnektor);
    expect([error.code, error.kind]).toEqual(['TERMINAL_OFFLINE', 'transient']);
    expect(konnektor.operations).toEqual(['GetCards', 'GetCardTerminals']);
  });
  test('is TERMINAL_OFFLINE when it vanished together with its terminal', async () => {
    const konnektor = healthy({ ExternalAuthenticate: fault(4101) });
    const cards = cardsOf(konnektor);
    const signer = await cards.signerFor(DIGA);
    konnektor.script.GetCards = cardsAnswer({ cardHandle: 'o', iccsn: OTHER_ICCSN, ctId: 'CT2' });
    konnektor.script.GetCardTerminals = terminalsAnswer({ ctId: 'CT1', connected: false }, { ctId: 'CT2' });
    konnektor.script.ReadCardCertificate = certificateAnswer(strangers.certificate.der);
    expect((await gatewayErrorOf(() => signer.sign(HASH))).code).toBe('TERMINAL_OFFLINE');
  });
  test('is SMCB_NOT_FOUND when another terminal is offline and cards are there', async () => {
    const konnektor = healthy({
      ReadCardCertificate: certificateAnswer(strangers.certificate.der),
      GetCardTerminals: terminalsAnswer({ ctId: 'CT1' }, { ctId: 'CT2', connected: false }),
    });
    expect((await refusalOf(konnektor)).code).toBe('SMCB_NOT_FOUND');
  });
  test('is looked for anew by the next caller: a failure is not remembered', async () => {
    const konnektor = healthy({ GetCards: [cardsAnswer(), cardsAnswer({ cardHandle: 'h1', iccsn: ICCSN })] });
    const cards = cardsOf(konnektor);
    expect((await gatewayErrorOf(() => cards.signerFor(DIGA))).code).toBe('SMCB_NOT_FOUND');
    expect((await cards.signerFor(DIGA)).iccsn).toBe(ICCSN);
  });
});

describe('pulling and inserting the card', () => {
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
        'GetPinStatus',
        'ExternalAuthenticate',
      ]);
      await signer.sign(HASH);
      expect(konnektor.count('ExternalAuthenticate')).toBe(3);
      expect(konnektor.count('ReadCardCertificate')).toBe(1);
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

describe('several Konnektors and DiGAs', () => {
  const both = { ...DIGA, konnektors: ['k1', 'k2'] };

  test('the second is asked when the first is away, and when the first goes away later', async () => {
    const first = healthy({ GetCards: ['UNREACHABLE', cardsAnswer({ cardHandle: 'h1', iccsn: ICCSN })] });
    const second = healthy({ GetCards: cardsAnswer({ cardHandle: 's', iccsn: OTHER_ICCSN }) });
    const cards = cardsOf(first, second);
    expect((await cards.signerFor(both)).iccsn).toBe(OTHER_ICCSN);
    second.script.ExternalAuthenticate = 'UNREACHABLE';
    const signer = await cards.signerFor(both);
    expect((await gatewayErrorOf(() => signer.sign(HASH))).code).toBe('KONNEKTOR_UNREACHABLE');
    expect((await cards.signerFor(both)).iccsn).toBe(ICCSN);
  });
  test.each<[string, Record<string, Script>, Record<string, Script>, string]>([
    [
      'the PIN of a found card before a Konnektor away',
      { GetCards: 'UNREACHABLE' },
      { GetPinStatus: pinAnswer('BLOCKED') },
      'SMCB_PIN_BLOCKED',
    ],
    [
      'a Konnektor away before a card not there',
      { GetCards: cardsAnswer() },
      { GetCards: 'UNREACHABLE' },
      'KONNEKTOR_UNREACHABLE',
    ],
    ['the first of two alike', { GetCards: fault(4004) }, { GetCards: 'UNREACHABLE' }, 'KONNEKTOR_CONTEXT_REFUSED'],
    ['a card not there when that is all', { GetCards: cardsAnswer() }, { GetCards: cardsAnswer() }, 'SMCB_NOT_FOUND'],
  ])('what is told when none works: %s', async (_name, first, second, code) => {
    const cards = cardsOf(healthy(first), healthy(second));
    expect((await gatewayErrorOf(() => cards.signerFor(both))).code).toBe(code);
  });
  test('a certificate read for one DiGA is not read again for another', async () => {
    const konnektor = healthy();
    const cards = cardsOf(konnektor);
    await cards.signerFor(DIGA);
    const other = { id: 'other', telematikId: '9-OTHER', konnektors: ['k1'] };
    expect((await gatewayErrorOf(() => cards.signerFor(other))).code).toBe('SMCB_NOT_FOUND');
    expect(konnektor.count('ReadCardCertificate')).toBe(1);
  });
  test('a DiGA that names a Konnektor nobody knows, or none, is CONFIG_INVALID', async () => {
    for (const konnektors of [['k9'], []])
      expect((await gatewayErrorOf(() => cardsOf(healthy()).signerFor({ ...DIGA, konnektors }))).code).toBe(
        'CONFIG_INVALID',
      );
  });
});
