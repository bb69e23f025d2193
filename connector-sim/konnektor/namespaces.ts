// Namespaces of the Konnektor's messages (konnektor.md 1) under the prefixes gematik's own documents use.

export const NS = {
  CONN: 'http://ws.gematik.de/conn/ConnectorCommon/v5.0',
  CCTX: 'http://ws.gematik.de/conn/ConnectorContext/v2.0',
  CARDCMN: 'http://ws.gematik.de/conn/CardServiceCommon/v2.0',
  CARD: 'http://ws.gematik.de/conn/CardService/v8.1',
  EVT: 'http://ws.gematik.de/conn/EventService/v7.2',
  CTI: 'http://ws.gematik.de/conn/CardTerminalInfo/v8.0',
  CT: 'http://ws.gematik.de/conn/CardTerminalService/v1.1',
  CERT: 'http://ws.gematik.de/conn/CertificateService/v6.0',
  CERTCMN: 'http://ws.gematik.de/conn/CertificateServiceCommon/v2.0',
  SIG: 'http://ws.gematik.de/conn/SignatureService/v7.4',
  dss: 'urn:oasis:names:tc:dss:1.0:core:schema',
  GERROR: 'http://ws.gematik.de/tel/error/v2.0',
  PI: 'http://ws.gematik.de/int/version/ProductInformation/v1.1',
  SDS: 'http://ws.gematik.de/conn/ServiceDirectory/v3.1',
  SI: 'http://ws.gematik.de/conn/ServiceInformation/v2.0',
} as const;

export type Prefix = keyof typeof NS;

/** xmlns attributes for these prefixes, to stand on a message's root element. */
export function declare(...prefixes: Prefix[]): Record<string, string> {
  return Object.fromEntries(prefixes.map((prefix) => [`xmlns:${prefix}`, NS[prefix]]));
}
