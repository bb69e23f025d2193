// A Konnektor in the dialects the reference names (konnektor.md 1, 2, 6, 9; export-flow.md 1): five shapes of connector.sds, default
// namespaces or odd prefixes, byte order mark, xsi:schemaLocation, faults with HTTP 200, ECDSA as DER or raw.
import { createECDH, type KeyObject, randomUUID } from 'node:crypto';
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

/** Base path of each service and its versions, in the order the product lists them; hosts are of its own network. */
const SHAPES = {
  secunet: shape(
    '/ws',
    { EventService: 'EventService', CardService: 'CardService' },
    'descending',
    'https://192.168.10.20:443',
  ),
  rise: shape(
    '/webservices',
    { EventService: 'eventservice', CardService: 'cardservice' },
    'descending',
    'https://konnektor.konlan:443',
  ),
  kocobox: shape(
    '/service',
    { EventService: 'systeminformationservice', CardService: 'cardservice' },
    'ascending',
    'https://10.11.12.13',
    'http://10.11.12.13',
  ),
  kops: shape(
    '',
    { EventService: 'eventservice', CardService: 'cardservice' },
    'own-urls',
    'https://kops.example:8443',
  ),
  titus: shape(
    '/soap-api',
    { EventService: 'EventService/7.2.0', CardService: 'CardService/8.1.2' },
    'descending',
    'https://titus.example',
  ),
};

type Order = 'descending' | 'ascending' | 'own-urls';
type Shape = { services: [name: string, versions: [version: string, path: string][]][]; host: string; plain?: string };

function shape(base: string, names: Record<string, string>, order: Order, host: string, plain?: string): Shape {
  const lower = names.EventService === names.EventService?.toLowerCase();
  const path = (name: string) => `${base}/${names[name] ?? (lower ? name.toLowerCase() : name)}`;
  const revisions: Record<string, string[]> = {
    EventService: ['7.2.0'],
    CardTerminalService: ['1.1.0'],
    // 8.2 of PTV6 beside 8.1 (konnektor.md 2.2)
    CardService: ['8.2.1', '8.1.2', '8.1.1', '8.1.0'],
    SignatureService: ['7.5.5', '7.4.2'],
    AuthSignatureService: ['7.4.1', '7.4.0'],
    EncryptionService: ['6.1.1'],
    CertificateService: ['6.0.1', '6.0.0'],
  };
  const services = Object.entries(revisions).map(([name, versions]): Shape['services'][number] => {
    const listed = versions.map((version): [string, string] => [
      version,
      order === 'own-urls' ? `${path(name)}${version.replaceAll('.', '')}` : path(name),
    ]);
    return [name, order === 'ascending' ? listed.reverse() : listed];
  });
  return {
    services: order === 'ascending' ? services.reverse() : services,
    host,
    ...(plain !== undefined && { plain }),
  };
}

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

const N = 0xa9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7n;

/** ECDSA over a given hash on brainpoolP256r1 (SEC 1 4.1.3): node:crypto signs no bare hash. */
function signHash(hash: Uint8Array, key: KeyObject): Buffer {
  // RFC 5915: SEQUENCE { 1, OCTET STRING d … }
  const d = BigInt(`0x${key.export({ format: 'der', type: 'sec1' }).subarray(7, 39).toString('hex')}`);
  const once = createECDH('brainpoolP256r1');
  const r = BigInt(`0x${once.generateKeys().subarray(1, 33).toString('hex')}`) % N;
  const k = BigInt(`0x${once.getPrivateKey().toString('hex')}`);
  const e = BigInt(`0x${Buffer.from(hash).toString('hex')}`);
  const s = (power(k, N - 2n) * ((e + r * d) % N)) % N;
  return Buffer.from([r, s].map((n) => n.toString(16).padStart(64, '0')).join(''), 'hex');
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = base % N, e = exponent; e > 0n; e >>= 1n, b = (b * b) % N)
    if ((e & 1n) === 1n) result = (result * b) % N;
  return result;
}

function derOf(raw: Buffer): Buffer {
  const integers = [raw.subarray(0, 32), raw.subarray(32)].map((half) => {
    const start = half.findIndex((byte) => byte !== 0);
    const value = half.subarray(start);
    const sign = (value[0] ?? 0) >= 0x80 ? [0] : [];
    return Buffer.from([2, sign.length + value.length, ...sign, ...value]);
  });
  const body = Buffer.concat(integers);
  return Buffer.concat([Buffer.of(0x30, body.length), body]);
}
