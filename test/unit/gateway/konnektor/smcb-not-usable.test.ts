// An SMC-B that is there and cannot be used (KON-05): each thing that can be wrong with PIN and certificate alone has its own code,
// and what is taken out of the trust anchors is refused at once.
import { describe, expect, test } from 'vitest';
import { ROLE } from '../../../../certs/admission.ts';
import { type Issued, mintCa, mintRoot } from '../../../../certs/mint.ts';
import { SmcbCards } from '../../../../gateway/konnektor/smcb.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import { DAY, DIGA_ADMISSION } from '../../../support/test-pki.ts';
import { certificateAnswer, fault, pinAnswer } from './scripted-konnektor.ts';
import { anchors, DIGA, healthy, ICCSN, issue, mine, root, smcbCards } from './scripted-smcb.ts';

const { cardsOf, refusalOf } = smcbCards();

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
      now: Date.now,
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
      now: Date.now,
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
      now: Date.now,
    });
    expect(await gatewayErrorOf(() => cards.signerFor(DIGA))).toMatchObject({
      code: 'CERTIFICATE_EXPIRED',
      check: 'smcb.chain-validity',
    });
  });
});
