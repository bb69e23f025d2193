// Which card signs: the one that an operator has chosen, at whatever Konnektor it is (KON-09, KON-11), and never one that is stopped
// (CRT-04), also where it was good when it was found.
import { expect, test } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { SmcbCards, type SmcbStatus } from '../../../../gateway/konnektor/smcb.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import { cardsAnswer, certificateAnswer, pinAnswer } from './scripted-konnektor.ts';
import { anchors, DIGA, healthy, ICCSN, issue, mine, OTHER_ICCSN } from './scripted-smcb.ts';

const diga = { ...DIGA, konnektors: ['k1', 'k2'] };

/** A card of ours at k1 and another at k2, both of which can sign. */
function both(o: { chosen?: string; status?: SmcbStatus } = {}) {
  const successor = issue();
  const second = healthy({
    GetCards: cardsAnswer({ cardHandle: 'h2', iccsn: OTHER_ICCSN }),
    ReadCardCertificate: certificateAnswer(successor.certificate.der),
  });
  const clients = [healthy(), second].map((one, index) => one.client({ id: `k${index + 1}` }));
  const { chosen, status } = o;
  const cards = new SmcbCards({
    konnektors: clients,
    anchors: () => anchors,
    now: Date.now,
    chosen: () => chosen,
    status,
  });
  return { cards, second, successor };
}

test('without a choice the card at the first Konnektor signs', async () => {
  expect((await both().cards.signerFor(diga)).iccsn).toBe(ICCSN);
});

test('the chosen one signs although the first Konnektor has a good one', async () => {
  const { cards } = both({ chosen: OTHER_ICCSN });
  expect((await cards.signerFor(diga)).iccsn).toBe(OTHER_ICCSN);
  expect(cards.inUse(diga.id)?.konnektor).toBe('k2');
});

test('where the chosen one cannot sign, or is nowhere, another one does', async () => {
  const { cards, second } = both({ chosen: OTHER_ICCSN });
  second.script.GetPinStatus = pinAnswer('VERIFIABLE');
  expect((await cards.signerFor(diga)).iccsn).toBe(ICCSN);
  expect((await both({ chosen: '80276000000000000099' }).cards.signerFor(diga)).iccsn).toBe(ICCSN);
});

test('a card that is stopped after it was found signs no more: the next signer is another card, or none (CRT-04)', async () => {
  const stopped = new Set<string>();
  const blocked: SmcbStatus['blocked'] = ({ sha256 }) => stopped.has(Buffer.from(sha256).toString('hex'));
  const status: SmcbStatus = {
    blocked,
    require: async (certificate) => {
      if (blocked(certificate)) throw new GatewayError('CERTIFICATE_REVOKED', 'revoked');
    },
  };
  const { cards, successor } = both({ status });
  expect((await cards.signerFor(diga)).iccsn).toBe(ICCSN);
  stopped.add(Buffer.from(mine.certificate.sha256).toString('hex'));
  expect((await cards.signerFor(diga)).iccsn).toBe(OTHER_ICCSN);
  stopped.add(Buffer.from(successor.certificate.sha256).toString('hex'));
  expect((await gatewayErrorOf(() => cards.signerFor(diga))).code).toBe('CERTIFICATE_REVOKED');
});
