// The SMC-B as an object: found, judged, remembered, at one of several Konnektors (KON-05, KON-11, KON-14); that it is not
// there has its own codes. A card that is not usable: smcb-not-usable.test.ts; signing with one: smcb-signing.test.ts.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { mintLeaf } from '../../../../certs/mint.ts';
import { ecdsaToRaw } from '../../../../wire/ecdsa.ts';
import { decodeJws, signJws, verifyJws } from '../../../../wire/jose.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import {
  cardsAnswer,
  certificateAnswer,
  fault,
  pinAnswer,
  type Script,
  type ScriptedCard,
  terminalsAnswer,
} from './scripted-konnektor.ts';
import {
  ca,
  DIGA,
  handleOf,
  healthy,
  ICCSN,
  mine,
  OTHER_ICCSN,
  signing,
  smcbCards,
  strangers,
  TELEMATIK_ID,
} from './scripted-smcb.ts';

const HASH = new Uint8Array(randomBytes(32));
const { cardsOf, refusalOf } = smcbCards();

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
  test.each([
    ['DER', signing(mine)],
    ['r and s', signing(mine, ecdsaToRaw)],
  ])(
    'signs a challenge with its ECC key; given as %s, the JWS carries r and s of fixed length (KON-15)',
    async (_form, script) => {
      const signer = await cardsOf(healthy({ ExternalAuthenticate: script })).signerFor(DIGA);
      // Half of all signatures have an r or s whose DER is longer or shorter than 32 bytes.
      for (let n = 0; n < 8; n++) {
        const jws = decodeJws(await signJws({ alg: 'BP256R1' }, { challenge_token: `${n}` }, signer.sign));
        expect(jws.signature).toHaveLength(64);
        expect(() => verifyJws(jws, mine.certificate.publicKey)).not.toThrow();
      }
    },
  );
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
    // Side by side; a card that fails is asked once more.
    const asked = konnektor.asked.filter((one) => one.operation === 'ReadCardCertificate').map(handleOf);
    expect(asked.sort()).toEqual(['broken', 'broken', 'empty', 'garbage', 'h1', 'other']);
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
    expect((await refusalOf(healthy({ ReadCardCertificate: fault(4045) }))).code).toBe('SMCB_ACCESS_FAILED');
  });
  test('ends the search when the Konnektor goes away', async () => {
    const konnektor = healthy({
      GetCards: cardsAnswer({ cardHandle: 'o', iccsn: OTHER_ICCSN }, { cardHandle: 'h1', iccsn: ICCSN }),
      ReadCardCertificate: 'UNREACHABLE',
    });
    expect((await refusalOf(konnektor)).code).toBe('KONNEKTOR_UNREACHABLE');
    expect(konnektor.operations).not.toContain('GetPinStatus');
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

describe('several Konnektors and DiGAs (KON-11)', () => {
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
