// The RSA migration report (CRT-08): which certificates of the inventory are RSA, and what stops working when RSA is gone from the TI.
import type { Language } from '../errors.ts';
import type { CertificateUse, CertificateView } from './entry.ts';

type Text = Record<Language, string>;
const LOGIN: Text = {
  de: 'Keine Anmeldung an IDP und Aktensystemen: Exporte dieser DiGA bleiben liegen. Eine SMC-B der Generation 2.1 bestellen.',
  en: 'No login at IDP and record systems: exports of this DiGA wait. Order an SMC-B of generation 2.1.',
};
const UNUSED: Text = {
  de: 'Das Gateway benutzt dieses Zertifikat nicht; die Karte als ganze ist zu tauschen.',
  en: 'The gateway does not use this certificate; the card as a whole is to be replaced.',
};
const FOREIGN: Text = {
  de: 'Keine Verbindung dorthin: Der Betreiber der Gegenseite muss auf elliptische Kurven wechseln.',
  en: 'No connection there: its operator has to change to elliptic curves.',
};
const KONNEKTOR: Text = {
  de: 'Keine Verbindung zum Konnektor: im Konnektor auf ECC umstellen, danach caFile und Pins dieses Konnektors anpassen.',
  en: 'No connection to the Konnektor: switch it to ECC, then correct caFile and pins of this Konnektor.',
};

/** What stops; one entry per use, so that none is forgotten. */
export const RSA_EFFECT: Record<CertificateUse, Text> = {
  'smcb-aut': LOGIN,
  'smcb-enc': UNUSED,
  'smcb-osig': UNUSED,
  'konnektor-tls': KONNEKTOR,
  'konnektor-card': KONNEKTOR,
  'terminal-card': {
    de: 'Das Kartenterminal verliert seine Kopplung und damit die SMC-B: die gSMC-KT tauschen (alte Karten enden am 31.12.2026).',
    en: 'The card terminal loses its pairing, and with it the SMC-B: replace the gSMC-KT (old cards end on 2026-12-31).',
  },
  'konnektor-client': {
    de: 'Das Clientzertifikat am Konnektor ist RSA: im Konnektor ein neues auf ECC ausstellen und in clientCertificate nennen.',
    en: 'The client certificate at the Konnektor is RSA: have the Konnektor issue one on ECC and name it in clientCertificate.',
  },
  'record-system-tls': FOREIGN,
  vau: FOREIGN,
  'idp-tls': FOREIGN,
  'idp-signer': FOREIGN,
  'tsl-signer': {
    de: 'Die Liste wird nicht mehr angenommen: in trust.tsl.signerFile den ECC-Vertrauensanker nennen.',
    en: 'The list is no longer taken: name the ECC anchor in trust.tsl.signerFile.',
  },
  'own-server': {
    de: 'Nichts in der TI: Das eigene Serverzertifikat liegt außerhalb; RSA ab 3000 Bit bleibt dort zulässig (TR-02102).',
    en: 'Nothing in the TI: our own server certificate lies outside; RSA of 3000 bits and more stays acceptable there (TR-02102).',
  },
  'backend-client': {
    de: 'Nichts in der TI: mit dem Backend einen Wechsel auf ECC verabreden; alt und neu dürfen nebeneinander in certificateFiles stehen.',
    en: 'Nothing in the TI: agree with the backend on a change to ECC; old and new may stand side by side in certificateFiles.',
  },
  'operator-client': {
    de: 'Nichts in der TI: ein neues Zertifikat auf ECC ausstellen; alt und neu dürfen nebeneinander in certificateFiles stehen.',
    en: 'Nothing in the TI: issue a new certificate on ECC; old and new may stand side by side in certificateFiles.',
  },
};

export type RsaLine = CertificateView & { withoutRsa: string | null };

/** Every entry, RSA first; `unknown`: never seen, or only reported. */
export function rsaReport(views: readonly CertificateView[], language: Language) {
  const lines: RsaLine[] = views
    .map((view) => ({ ...view, withoutRsa: view.rsa === true ? RSA_EFFECT[view.use][language] : null }))
    .sort((a, b) => Number(b.rsa === true) - Number(a.rsa === true));
  return {
    rsa: views.filter(({ rsa }) => rsa === true).length,
    ecc: views.filter(({ rsa }) => rsa === false).length,
    unknown: views.filter(({ rsa }) => rsa === null).length,
    certificates: lines,
  };
}
