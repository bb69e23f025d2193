// A Konnektor in the dialects the reference names (konnektor.md 1, 2, 6, 9; export-flow.md 1): five shapes of connector.sds, default
// namespaces or odd prefixes, byte order mark, xsi:schemaLocation, faults with HTTP 200, ECDSA as DER or raw.
import { type KeyObject, randomUUID } from 'node:crypto';
import { SHAPES } from './directory-shapes.ts';
import { derOf, signHash } from './hash-signature.ts';
import { type Asked, type Listening, type Served, serve } from './tls-server.ts';

export type KonnektorManner = {
  shape: keyof typeof SHAPES;
  dialect: 'prefixes' | 'default-namespaces';
  bom: boolean;
  signature: 'der' | 'raw';
  /** ReadCardCertificate is refused once with this code and HTTP status; the card has a new handle then. */
  faultOnce?: { code: number; status: number; vendorCode?: number };
  cardType: 'SMC-B' | 'HSM-B';
};
export type KonnektorCard = { certificateDer: Uint8Array; privateKey: KeyObject; iccsn: string };

const GEMATIK = 'http://ws.gematik.de';
const NS = {
  conn: `${GEMATIK}/conn/ConnectorCommon/v5.0`,
  card: `${GEMATIK}/conn/CardService/v8.1`,
  cardcmn: `${GEMATIK}/conn/CardServiceCommon/v2.0`,
  evt: `${GEMATIK}/conn/EventService/v7.2`,
  cti: `${GEMATIK}/conn/CardTerminalInfo/v8.0`,
  cert: `${GEMATIK}/conn/CertificateService/v6.0`,
  certcmn: `${GEMATIK}/conn/CertificateServiceCommon/v2.0`,
  sig: `${GEMATIK}/conn/SignatureService/v7.4`,
  dss: 'urn:oasis:names:tc:dss:1.0:core:schema',
  gerror: `${GEMATIK}/tel/error/v2.0`,
  pi: `${GEMATIK}/int/version/ProductInformation/v1.1`,
  sds: `${GEMATIK}/conn/ServiceDirectory/v3.1`,
  si: `${GEMATIK}/conn/ServiceInformation/v2.0`,
  soap: 'http://schemas.xmlsoap.org/soap/envelope/',
} as const;
type Element = (ns: keyof typeof NS, name: string, ...content: (string | Record<string, string>)[]) => string;

/** Each element declares its own namespace: as default, or under a prefix that says nothing. */
function writer(dialect: KonnektorManner['dialect']): Element {
  const prefixes = Object.fromEntries(Object.keys(NS).map((ns, i) => [ns, `q${i * 7}`]));
  return (ns, name, ...content) => {
    const prefix = dialect === 'prefixes' ? `${prefixes[ns]}:` : '';
    const declaration = dialect === 'prefixes' ? `xmlns:${prefixes[ns]}` : 'xmlns';
    const attributes = content
      .filter((part) => typeof part !== 'string')
      .flatMap((part) => Object.entries(part).map(([key, value]) => ` ${key}="${value}"`));
    const inner = content.filter((part) => typeof part === 'string').join('');
    return `<${prefix}${name} ${declaration}="${NS[ns]}"${attributes.join('')}>${inner}</${prefix}${name}>`;
  };
}

export async function startKonnektor(o: {
  tls: { cert: string; key: string; clientCa: string };
  card: KonnektorCard;
  manner: KonnektorManner;
}): Promise<Listening & { operations: string[] }> {
  const { manner, card } = o;
  const el = writer(manner.dialect);
  const { services, host, plain } = SHAPES[manner.shape];
  const operations: string[] = [];
  let handle = randomUUID();
  let faults = manner.faultOnce === undefined ? 0 : 1;
  const prolog = `${manner.bom ? '\ufeff' : ''}<?xml version="1.0" encoding="utf-8"?>\n<!-- answered by a foreign Konnektor -->\n`;

  const directory = () => {
    const version = ([number, path]: [string, string], name: string) =>
      el(
        'si',
        'Version',
        {
          TargetNamespace: `${GEMATIK}/conn/${name}/WSDL/v${number.split('.').slice(0, 2).join('.')}`,
          Version: number,
        },
        el('si', 'Abstract', name),
        plain === undefined ? '' : el('si', 'Endpoint', { Location: plain + path }),
        el('si', 'EndpointTLS', { Location: host + path }),
        el('si', 'WSDL', { Location: `${host}${path}?wsdl` }),
      );
    const product = el(
      'pi',
      'ProductInformation',
      el('pi', 'InformationDate', '2026-11-25T01:00:00.000+01:00'),
      el(
        'pi',
        'ProductTypeInformation',
        el('pi', 'ProductType', 'Konnektor'),
        el('pi', 'ProductTypeVersion', '5.50.1'),
      ),
      el(
        'pi',
        'ProductIdentification',
        el('pi', 'ProductVendorID', 'FRMD'),
        el('pi', 'ProductCode', 'box'),
        el('pi', 'ProductVersion', el('pi', 'Local', el('pi', 'HWVersion', '2.0.0'), el('pi', 'FWVersion', '5.50.4'))),
      ),
      el('pi', 'ProductMiscellaneous', el('pi', 'ProductVendorName', 'Fremd AG'), el('pi', 'ProductName', 'Box')),
    );
    return el(
      'sds',
      'ConnectorServices',
      {
        'xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
        'xsi:schemaLocation': `${NS.sds} ServiceDirectory.xsd`,
      },
      product,
      el('sds', 'TLSMandatory', plain === undefined ? 'true' : 'false'),
      el('sds', 'ClientAutMandatory', '1'),
      el(
        'si',
        'ServiceInformation',
        ...services.map(([name, versions]) =>
          el(
            'si',
            'Service',
            { Name: name },
            el('si', 'Abstract', name),
            el('si', 'Versions', ...versions.map((one) => version(one, name))),
          ),
        ),
      ),
    );
  };

  const soap = (status: number, content: string): Served => ({
    status,
    headers: { 'Content-Type': 'text/xml;charset=UTF-8' },
    body: prolog + el('soap', 'Envelope', el('soap', 'Header'), el('soap', 'Body', content)),
  });
  const ok = el('conn', 'Status', el('conn', 'Result', 'OK'));
  const fault = (status: number, ...codes: number[]): Served => {
    const trace = (code: number) =>
      el(
        'gerror',
        'Trace',
        ...['EventID', 'Instance', 'LogReference', 'CompType'].map((name) => el('gerror', name, 'x')),
        el('gerror', 'Code', String(code)),
        el('gerror', 'Severity', 'Error'),
        el('gerror', 'ErrorType', 'Technical'),
        el('gerror', 'ErrorText', 'Fehler'),
      );
    const error = el(
      'gerror',
      'Error',
      el('gerror', 'MessageID', 'm'),
      el('gerror', 'Timestamp', '2026-11-25T01:00:00Z'),
      ...codes.map(trace),
    );
    const p = manner.dialect === 'prefixes' ? 'env:' : '';
    const declaration = p === '' ? 'xmlns' : 'xmlns:env';
    const content = `<${p}Fault ${declaration}="${NS.soap}"><faultcode xmlns="" xmlns:e="${NS.soap}">e:Server</faultcode><faultstring xmlns="">Fehler</faultstring><detail xmlns="">${error}</detail></${p}Fault>`;
    return soap(status, content);
  };

  const answers: Record<string, (asked: string) => Served> = {
    GetCards: () =>
      soap(
        200,
        el(
          'evt',
          'GetCardsResponse',
          ok,
          el(
            'card',
            'Cards',
            el(
              'card',
              'Card',
              el('conn', 'CardHandle', handle),
              el('cardcmn', 'CardType', manner.cardType),
              el('cardcmn', 'Iccsn', card.iccsn),
              el('cardcmn', 'CtId', 'CT_ID_0042'),
              el('cardcmn', 'SlotId', '1'),
              el('card', 'InsertTime', '2026-11-20T07:30:00.123+01:00'),
              el('card', 'CardHolderName', 'DiGA &amp; Söhne'),
            ),
          ),
        ),
      ),
    GetCardTerminals: () =>
      soap(
        200,
        el(
          'evt',
          'GetCardTerminalsResponse',
          ok,
          el(
            'cti',
            'CardTerminals',
            el(
              'cti',
              'CardTerminal',
              el('pi', 'ProductInformation'),
              el('cardcmn', 'CtId', 'CT_ID_0042'),
              el('conn', 'WorkplaceIds'),
              el('cti', 'Name', 'Terminal'),
              el('cti', 'MacAddress', '00-0D-F8-05-2D-9C'),
              el('cti', 'Slots', '4'),
              el('cti', 'IS_PHYSICAL', manner.cardType === 'HSM-B' ? '0' : '1'),
              el('cti', 'Connected', manner.cardType === 'HSM-B' ? 'false' : 'true'),
            ),
          ),
        ),
      ),
    ReadCardCertificate() {
      if (faults > 0 && manner.faultOnce !== undefined) {
        faults -= 1;
        handle = randomUUID();
        const { code, status, vendorCode } = manner.faultOnce;
        return fault(status, ...(vendorCode === undefined ? [] : [vendorCode]), code);
      }
      const data = el(
        'certcmn',
        'X509Data',
        el(
          'certcmn',
          'X509IssuerSerial',
          el('certcmn', 'X509IssuerName', 'CN=CA'),
          el('certcmn', 'X509SerialNumber', '1'),
        ),
        el('certcmn', 'X509SubjectName', 'CN=x'),
        el(
          'certcmn',
          'X509Certificate',
          // in lines of 64, as some write it
          Buffer.from(card.certificateDer)
            .toString('base64')
            .replaceAll(/(.{64})/g, '$1\n'),
        ),
      );
      const info = el('certcmn', 'X509DataInfo', el('certcmn', 'CertRef', 'C.AUT'), data);
      return soap(200, el('cert', 'ReadCardCertificateResponse', ok, el('certcmn', 'X509DataInfoList', info)));
    },
    GetPinStatus: () =>
      manner.cardType === 'HSM-B'
        ? fault(500, 4072)
        : soap(200, el('card', 'GetPinStatusResponse', ok, el('card', 'PinStatus', 'VERIFIED'))),
    ExternalAuthenticate(asked) {
      const hash = Buffer.from(/Base64Data[^>]*>([^<]*)</.exec(asked)?.[1] ?? '', 'base64');
      const raw = signHash(hash, card.privateKey);
      const value = manner.signature === 'raw' ? raw : derOf(raw);
      const signature = el('dss', 'Base64Signature', { Type: 'urn:bsi:tr:03111:ecdsa' }, value.toString('base64'));
      return soap(200, el('sig', 'ExternalAuthenticateResponse', ok, el('dss', 'SignatureObject', signature)));
    },
  };

  const listening = await serve(o.tls, ({ method, path, headers, body }: Asked): Served => {
    if (method === 'GET' && path === '/connector.sds')
      return { status: 200, headers: { 'Content-Type': 'application/xml' }, body: prolog + directory() };
    const action = /#(\w+)"$/.exec(String(headers.soapaction))?.[1] ?? '';
    const text = body.toString('utf8');
    const home = services.find(([name]) => SERVICE_OF[action] === name)?.[1] ?? [];
    if (method !== 'POST' || !home.some(([, at]) => at === path))
      return { status: 404, body: '<html>nothing here</html>' };
    operations.push(action);
    if (!text.includes('CardHandle>') || text.includes(`CardHandle>${handle}<`))
      return answers[action]?.(text) ?? fault(500, 4000);
    return fault(500, 4101);
  });
  return { ...listening, operations };
}

const SERVICE_OF: Record<string, string> = {
  GetCards: 'EventService',
  GetCardTerminals: 'EventService',
  ReadCardCertificate: 'CertificateService',
  GetPinStatus: 'CardService',
  ExternalAuthenticate: 'AuthSignatureService',
};
