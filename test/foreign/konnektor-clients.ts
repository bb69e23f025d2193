// Two clients of a Konnektor by the reference alone (export-flow.md 1; konnektor.md 2): one as a Java stack sends, which reads
// connector.sds and mixes default namespaces with odd prefixes; one as a Python script sends, on the fixed paths of one
// vendor with `application/xml` and nothing else in its head.
import type { OutgoingHttpHeaders } from 'node:http';
import { type Card, telematikIdIn } from './card-jose.ts';
import { type Reply, send, type Trust } from './https-client.ts';

export type Site = {
  base: string;
  trust: Trust;
  context: { mandant: string; clientSystem: string; workplace: string };
  telematikId: string;
};

const CONN = 'http://ws.gematik.de/conn/ConnectorCommon/v5.0';
const CCTX = 'http://ws.gematik.de/conn/ConnectorContext/v2.0';
const CARDCMN = 'http://ws.gematik.de/conn/CardServiceCommon/v2.0';
const CARD = 'http://ws.gematik.de/conn/CardService/v8.1';
const EVT = 'http://ws.gematik.de/conn/EventService/v7.2';
const CERT = 'http://ws.gematik.de/conn/CertificateService/v6.0';
const SIG = 'http://ws.gematik.de/conn/SignatureService/v7.4';
const DSS = 'urn:oasis:names:tc:dss:1.0:core:schema';

/** Text of every element of this local name, whatever its prefix. */
export function texts(xml: string, name: string): string[] {
  const pattern = new RegExp(`<(?:[\\w.-]+:)?${name}(?:\\s[^>]*)?>([^<]*)</`, 'g');
  return [...xml.matchAll(pattern)].map((match) => (match[1] ?? '').trim());
}

function elements(xml: string, name: string): string[] {
  const pattern = new RegExp(`<((?:[\\w.-]+:)?${name})(?:\\s[^>]*)?>.*?</\\1>`, 'gs');
  return [...xml.matchAll(pattern)].map((match) => match[0]);
}

async function soapCall(url: string, o: { trust: Trust; headers: OutgoingHttpHeaders; body: string }): Promise<string> {
  const reply: Reply = await send(url, { method: 'POST', headers: o.headers, body: o.body, trust: o.trust });
  const text = reply.body.toString('utf8');
  const fault = elements(text, 'Fault')[0];
  // A fault counts whatever the HTTP status is (konnektor.md 1).
  if (fault !== undefined) throw new Error(`SOAP fault ${texts(fault, 'Code').join()}`, { cause: reply });
  if (reply.status !== 200) throw new Error(`HTTP ${reply.status}`, { cause: reply });
  return text;
}

// ---- as a Java stack does it

type JavaService = 'EventService' | 'CardService' | 'CertificateService' | 'AuthSignatureService';
const PREFIXES: Record<JavaService, readonly string[]> = {
  EventService: [''],
  CardService: ['8.1.2', '8.1', '8'],
  CertificateService: ['6.0.1', '6'],
  AuthSignatureService: ['7.4.1', '7'],
};

/** First version in the directory that begins with the first fitting prefix; EndpointTLS, its Location as it stands. */
export function endpointIn(directory: string, name: JavaService): string {
  const service = elements(directory, 'Service').find((one) => one.includes(`Name="${name}"`)) ?? '';
  const versions = elements(service, 'Version');
  for (const prefix of PREFIXES[name]) {
    const found = versions.find((one) => (/\sVersion="([^"]*)"/.exec(one)?.[1] ?? '-').startsWith(prefix));
    const location = /<(?:[\w.-]+:)?EndpointTLS\s[^>]*Location="([^"]*)"/.exec(found ?? '')?.[1];
    if (location !== undefined) return location;
  }
  throw new Error('no usable service endpoint');
}

const javaEnvelope = (content: string) =>
  `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>${content}</soap:Body></soap:Envelope>`;

export async function javaCard(site: Site): Promise<Card & { operations: string[] }> {
  const operations: string[] = [];
  const sds = await send(`${site.base}/connector.sds`, {
    headers: { Accept: 'text/xml, application/xml' },
    trust: site.trust,
  });
  if (sds.status !== 200) throw new Error(`connector.sds: HTTP ${sds.status}`);
  const directory = sds.body.toString('utf8');
  const ask = (service: JavaService, ns: string, operation: string, content: string) => {
    operations.push(operation);
    const headers = {
      'Content-Type': 'text/xml; charset=UTF-8',
      Accept: '*/*',
      SOAPAction: `"${ns}#${operation}"`,
      'User-Agent': 'Apache-CXF/4.0.5',
    };
    return soapCall(endpointIn(directory, service), { trust: site.trust, headers, body: javaEnvelope(content) });
  };
  const { mandant, clientSystem, workplace } = site.context;
  // The default namespace is ConnectorCommon's, every other element wears a numbered prefix.
  const context = `<ns2:Context><MandantId>${mandant}</MandantId><ClientSystemId>${clientSystem}</ClientSystemId><WorkplaceId>${workplace}</WorkplaceId><UserId>admin</UserId></ns2:Context>`;
  const names = `xmlns="${CONN}" xmlns:ns2="${CCTX}" xmlns:ns3="${CARDCMN}" xmlns:ns4="urn:oasis:names:tc:SAML:1.0:assertion"`;

  const cards = await ask(
    'EventService',
    EVT,
    'GetCards',
    `<ns13:GetCards ${names} xmlns:ns13="${EVT}" mandant-wide="true">${context}<ns3:CardType>SM-B</ns3:CardType></ns13:GetCards>`,
  );
  const readCertificate = async (handle: string) =>
    texts(
      await ask(
        'CertificateService',
        CERT,
        'ReadCardCertificate',
        `<ns9:ReadCardCertificate ${names} xmlns:ns9="${CERT}"><CardHandle>${handle}</CardHandle>${context}<ns9:CertRefList><ns9:CertRef>C.AUT</ns9:CertRef></ns9:CertRefList><ns9:Crypt>ECC</ns9:Crypt></ns9:ReadCardCertificate>`,
      ),
      'X509Certificate',
    )[0] ?? '';
  const pinStatus = async (handle: string) =>
    texts(
      await ask(
        'CardService',
        CARD,
        'GetPinStatus',
        `<GetPinStatus xmlns="${CARD}" xmlns:a="${CCTX}" xmlns:b="${CONN}" xmlns:c="${CARDCMN}">${context.replaceAll('ns2:', 'a:').replaceAll(/<(\/?)(MandantId|ClientSystemId|WorkplaceId|UserId)>/g, '<$1b:$2>')}<b:CardHandle>${handle}</b:CardHandle><c:PinTyp>PIN.SMC</c:PinTyp></GetPinStatus>`,
      ),
      'PinStatus',
    )[0];

  for (const card of elements(cards, 'Card')) {
    if (texts(card, 'CardType')[0] !== 'SMC-B') continue;
    const handle = texts(card, 'CardHandle')[0] ?? '';
    const certificateBase64 = await readCertificate(handle);
    await pinStatus(handle);
    if (telematikIdIn(await readCertificate(handle)) !== site.telematikId) continue;
    return {
      operations,
      certificateBase64,
      async sign(hash) {
        if ((await pinStatus(handle)) !== 'VERIFIED') throw new Error('PIN not verified');
        const answer = await ask(
          'AuthSignatureService',
          SIG,
          'ExternalAuthenticate',
          `<ns20:ExternalAuthenticate ${names} xmlns:ns20="${SIG}" xmlns:ns21="${DSS}"><CardHandle>${handle}</CardHandle>${context}<ns20:OptionalInputs><ns21:SignatureType>urn:bsi:tr:03111:ecdsa</ns21:SignatureType></ns20:OptionalInputs><ns20:BinaryString><ns21:Base64Data MimeType="application/octet-stream">${hash.toString('base64')}</ns21:Base64Data></ns20:BinaryString></ns20:ExternalAuthenticate>`,
        );
        if (!answer.includes('Type="urn:bsi:tr:03111:ecdsa"')) throw new Error('not ECC-capable');
        return Buffer.from(texts(answer, 'Base64Signature')[0] ?? '', 'base64');
      },
    };
  }
  throw new Error(`no card with ${site.telematikId}`);
}

// ---- as a Python script does it

const pythonEnvelope = (content: string) =>
  `<?xml version='1.0' encoding='utf-8'?>\n<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"\n  xmlns:v5="${CONN}" xmlns:v2="${CCTX}">\n  <soapenv:Header/>\n  <soapenv:Body>\n${content}\n  </soapenv:Body>\n</soapenv:Envelope>\n`;

/** Fixed paths, no SOAPAction, no UserId: what one vendor's Konnektor takes (export-flow.md 1.2). */
export async function pythonCard(site: Site): Promise<Card & { operations: string[] }> {
  const operations: string[] = [];
  const ask = (path: string, operation: string, content: string) => {
    operations.push(operation);
    const headers = { 'Content-Type': 'application/xml', 'User-Agent': 'python-requests/2.32.3', Accept: '*/*' };
    const body = pythonEnvelope(content);
    return soapCall(`${site.base}/webservices/${path}`, { trust: site.trust, headers, body });
  };
  const { mandant, clientSystem, workplace } = site.context;
  const context = `
    <v2:Context>
      <v5:MandantId>${mandant}</v5:MandantId>
      <v5:ClientSystemId>${clientSystem}</v5:ClientSystemId>
      <v5:WorkplaceId>${workplace}</v5:WorkplaceId>
    </v2:Context>`;
  const cards = await ask(
    'eventservice',
    'GetCards',
    `    <v7:GetCards xmlns:v7="${EVT}" mandant-wide="true">${context}\n    </v7:GetCards>`,
  );
  for (const card of elements(cards, 'Card')) {
    if (texts(card, 'CardType')[0] !== 'SMC-B') continue;
    const handle = `<v5:CardHandle>${texts(card, 'CardHandle')[0]}</v5:CardHandle>`;
    const certificate = await ask(
      'certificateservice',
      'ReadCardCertificate',
      `<v6:ReadCardCertificate xmlns:v6="${CERT}">${handle}${context}<v6:CertRefList><v6:CertRef>C.AUT</v6:CertRef></v6:CertRefList><v6:Crypt>ECC</v6:Crypt></v6:ReadCardCertificate>`,
    );
    const certificateBase64 = texts(certificate, 'X509Certificate')[0] ?? '';
    if (telematikIdIn(certificateBase64) !== site.telematikId) continue;
    return {
      operations,
      certificateBase64,
      async sign(hash) {
        const answer = await ask(
          'authsignatureservice',
          'ExternalAuthenticate',
          `<v74:ExternalAuthenticate xmlns:v74="${SIG}" xmlns:dss="${DSS}">${handle}${context}<v74:OptionalInputs><dss:SignatureType>urn:bsi:tr:03111:ecdsa</dss:SignatureType></v74:OptionalInputs><v74:BinaryString><dss:Base64Data MimeType="application/octet-stream">${hash.toString('base64')}</dss:Base64Data></v74:BinaryString></v74:ExternalAuthenticate>`,
        );
        return Buffer.from(texts(answer, 'Base64Signature')[0] ?? '', 'base64');
      },
    };
  }
  throw new Error('no SMC-B');
}
