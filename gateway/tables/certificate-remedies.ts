// Who must act when a certificate ends or is revoked, by its use (CRT-01, CRT-02): some are ours to renew, others can only be asked for.
type Text = { de: string; en: string };

const SMCB: Text = {
  en: 'Order the follow-up SMC-B from its issuer now (possible from 90 days before the end on), plug it beside this one and change to it: docs/operations.md, "Another SMC-B".',
  de: 'Jetzt beim Herausgeber die Folgekarte der SMC-B bestellen (ab 90 Tagen vor dem Ablauf möglich), neben dieser stecken und zu ihr wechseln: docs/operations.md, „Another SMC-B“.',
};
const RECORD_SYSTEM: Text = {
  en: 'The operator of this record system must renew it; nothing can be done here but to tell its support.',
  de: 'Der Betreiber dieses Aktensystems muss es erneuern; hier lässt sich nur dessen Support verständigen.',
};
const IDP: Text = {
  en: 'The operator of the IDP must renew it; nothing can be done here but to tell its support.',
  de: 'Der Betreiber des IDP muss es erneuern; hier lässt sich nur dessen Support verständigen.',
};

/** One entry per use of the inventory (a test compares them); `smcb` is a card as a whole. */
export const CERTIFICATE_REMEDY = {
  smcb: SMCB,
  'smcb-aut': SMCB,
  'smcb-enc': SMCB,
  'smcb-osig': SMCB,
  'konnektor-tls': {
    en: 'The administrator of this Konnektor must renew its TLS certificate; correct caFile or pins of the Konnektor in the settings where they name the old one.',
    de: 'Der Administrator dieses Konnektors muss dessen TLS-Zertifikat erneuern; caFile oder pins des Konnektors in den Einstellungen berichtigen, wo sie das alte nennen.',
  },
  'konnektor-card': {
    en: 'The administrator of this Konnektor must have its own certificates (gSMC-K) extended, or the device replaced, before that day.',
    de: 'Der Administrator dieses Konnektors muss dessen eigene Zertifikate (gSMC-K) vor diesem Tag verlängern oder das Gerät tauschen lassen.',
  },
  'terminal-card': {
    en: 'The administrator of this card terminal must replace its gSMC-KT and pair it with the Konnektor anew; the SMC-B in it needs its PIN afterwards.',
    de: 'Der Administrator dieses Kartenterminals muss dessen gSMC-KT tauschen und es neu mit dem Konnektor koppeln; danach braucht die SMC-B darin ihre PIN.',
  },
  'konnektor-client': {
    en: 'Have the administrator of this Konnektor issue a new client certificate for our client system, and import it: clientCertificate and clientKey (or clientPkcs12) of the settings.',
    de: 'Vom Administrator dieses Konnektors ein neues Client-Zertifikat für unser Clientsystem ausstellen lassen und einspielen: clientCertificate und clientKey (oder clientPkcs12) der Einstellungen.',
  },
  'record-system-tls': RECORD_SYSTEM,
  vau: RECORD_SYSTEM,
  'idp-tls': IDP,
  'idp-signer': IDP,
  'tsl-signer': {
    en: 'The issuer of the trust-service list (gematik) must renew it: tell the support of the TI, and name the new anchor in trust.tsl.signerFile once it is published.',
    de: 'Der Herausgeber der Trust-Service-Liste (gematik) muss es erneuern: den Support der TI verständigen und den neuen Vertrauensanker in trust.tsl.signerFile nennen, sobald er veröffentlicht ist.',
  },
  'own-server': {
    en: 'Have a new server certificate issued and replace the files of this listener (tls.certFile, tls.keyFile in the settings).',
    de: 'Ein neues Serverzertifikat ausstellen lassen und die Dateien dieses Listeners ersetzen (tls.certFile, tls.keyFile in den Einstellungen).',
  },
  'backend-client': {
    en: 'The makers of this backend must have a new client certificate; add it to certificateFiles of the client (old and new may stand side by side).',
    de: 'Die Hersteller dieses Backends brauchen ein neues Client-Zertifikat; es in certificateFiles des Clients aufnehmen (alt und neu dürfen nebeneinanderstehen).',
  },
  'operator-client': {
    en: 'Issue a new certificate for this operator and add it to certificateFiles (old and new may stand side by side).',
    de: 'Für diesen Betreiber ein neues Zertifikat ausstellen und in certificateFiles aufnehmen (alt und neu dürfen nebeneinanderstehen).',
  },
} as const satisfies Record<string, Text>;

/** Undefined: no use of the inventory. */
export const certificateRemedy = (use: unknown): Text | undefined =>
  typeof use === 'string' && Object.hasOwn(CERTIFICATE_REMEDY, use)
    ? CERTIFICATE_REMEDY[use as keyof typeof CERTIFICATE_REMEDY]
    : undefined;
