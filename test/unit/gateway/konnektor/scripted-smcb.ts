// An SMC-B in a scripted Konnektor, for the tests of the SMC-B as an object: one healthy card of ours, changed where a test wants it,
// and cards of others.
import { type Issued, type LeafProfile, mintCa, mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import { SmcbCards } from '../../../../gateway/konnektor/smcb.ts';
import { signDigest } from '../../../../wire/ecdsa.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import { anchorsOf, DIGA_ADMISSION } from '../../../support/test-pki.ts';
import {
  type Asked,
  cardsAnswer,
  certificateAnswer,
  pinAnswer,
  type Script,
  ScriptedKonnektor,
  signatureAnswer,
  terminalsAnswer,
} from './scripted-konnektor.ts';

export const TELEMATIK_ID = DIGA_ADMISSION.registrationNumber;
export const DIGA = { id: 'demo', telematikId: TELEMATIK_ID, konnektors: ['k1'] };
export const ICCSN = '80276000000000000001';
export const OTHER_ICCSN = '80276000000000000002';

export const root = mintRoot('Root');
export const ca = mintCa(root, 'SMC-B CA');
export const issue = (more: Partial<LeafProfile> = {}, issuer = ca) =>
  mintLeaf(issuer, { commonName: 'Muster DiGA GmbH', admission: DIGA_ADMISSION, ...more });
export const mine = issue();
export const strangers = issue({ admission: { ...DIGA_ADMISSION, registrationNumber: '9-OTHER' } });
export const anchors = { ...anchorsOf(root), intermediates: [ca.certificate] };

/** The hash that a request asks to be signed, and the handle it names. */
export const hashOf = ({ body }: Asked) => Buffer.from(/<dss:Base64Data[^>]*>([^<]+)</.exec(body)?.[1] ?? '', 'base64');
export const handleOf = ({ body }: Asked) => /<CONN:CardHandle>([^<]+)</.exec(body)?.[1] ?? '';

export const signing =
  (card: Issued, form = (der: Uint8Array) => der): Script =>
  (asked) =>
    signatureAnswer(Buffer.from(form(signDigest(hashOf(asked), card.privateKey))).toString('base64'));

/** A Konnektor with one healthy card of ours, changed where a test wants it. */
export function healthy(more: Record<string, Script> = {}): ScriptedKonnektor {
  return new ScriptedKonnektor({
    GetCards: cardsAnswer({ cardHandle: 'h1', iccsn: ICCSN }),
    GetCardTerminals: terminalsAnswer({ ctId: 'CT1' }),
    ReadCardCertificate: certificateAnswer(mine.certificate.der),
    GetPinStatus: pinAnswer('VERIFIED'),
    ExternalAuthenticate: signing(mine),
    ...more,
  });
}

/** Cards behind Konnektors k1, k2 and so on, at the time of `now`; and the error of one that gives no signer. */
export function smcbCards(now: () => number = Date.now) {
  function cardsOf(...konnektors: ScriptedKonnektor[]): SmcbCards {
    const clients = konnektors.map((one, index) => one.client({ id: `k${index + 1}` }));
    return new SmcbCards({ konnektors: clients, anchors: () => anchors, now });
  }
  const refusalOf = (konnektor: ScriptedKonnektor) => gatewayErrorOf(() => cardsOf(konnektor).signerFor(DIGA));
  return { cardsOf, refusalOf };
}
