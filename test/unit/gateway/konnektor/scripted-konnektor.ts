// A Konnektor as a script, for tests of the client half: it answers what the test tells it and keeps what it was asked.
// Its messages are written by hand from konnektor.md, with prefixes of their own, and know nothing of our writer.
import {
  EgressError,
  type EgressErrorCode,
  type EgressRequest,
  type EgressResponse,
} from '../../../../gateway/egress.ts';
import type { KonnektorAccess, KonnektorEgress } from '../../../../gateway/konnektor/directory.ts';
import { KonnektorClient } from '../../../../gateway/konnektor/soap-client.ts';
import type { LogFields, Logger } from '../../../../gateway/log.ts';

export const ACCESS: KonnektorAccess = {
  id: 'k1',
  url: 'https://10.0.0.7:8443',
  mandant: 'M1',
  clientSystem: 'DIGA-GW',
  workplace: 'WP1',
};

/** What was asked: operation (`connector.sds` for the directory), where, with which headers and body. */
export type Asked = {
  operation: string;
  url: string;
  headers: Record<string, string>;
  body: string;
  timeoutMs: number;
};

type Reply = string | { status: number; body: string } | EgressErrorCode;
/** One reply for all calls, or a list used up one by one, its last repeated; or made from the request. */
export type Script = Reply | Reply[] | ((asked: Asked) => Reply | Promise<Reply>);

const CODES: readonly string[] = [
  'NOT_ALLOWED',
  'UNREACHABLE',
  'TLS_UNTRUSTED',
  'PIN_MISMATCH',
  'KEY_WEAK',
  'PROXY_REFUSED',
  'PROXY_UNREACHABLE',
  'TIMEOUT',
  'RESET',
  'TOO_LARGE',
  'PROTOCOL',
  'BODY_FAILED',
];
const isCode = (reply: Reply): reply is EgressErrorCode => typeof reply === 'string' && CODES.includes(reply);

export class ScriptedKonnektor implements KonnektorEgress {
  readonly asked: Asked[] = [];
  readonly script: Record<string, Script>;

  constructor(script: Record<string, Script>) {
    this.script = { 'connector.sds': SDS, ...script };
  }

  /** Operations in the order they came, the directory left out. */
  get operations(): string[] {
    return this.asked.map((one) => one.operation).filter((operation) => operation !== 'connector.sds');
  }

  count(operation: string): number {
    return this.asked.filter((one) => one.operation === operation).length;
  }

  client(more: Partial<KonnektorAccess> = {}, log?: Logger): KonnektorClient {
    return new KonnektorClient({ access: { ...ACCESS, ...more }, egress: this, ...(log && { log }) });
  }

  async request(purpose: string, request: EgressRequest): Promise<EgressResponse> {
    const headers = request.headers ?? {};
    const operation = /#(\w+)"$/.exec(headers.SOAPAction ?? '')?.[1] ?? 'connector.sds';
    const body = request.body instanceof Uint8Array ? Buffer.from(request.body).toString() : '';
    const asked = { operation, url: request.url, headers, body, timeoutMs: request.timeoutMs };
    this.asked.push(asked);
    const reply = await this.#reply(operation, asked);
    if (isCode(reply)) throw new EgressError(reply, `${purpose}: ${reply}`, { bytesSent: reply === 'TIMEOUT' });
    const { status, body: text } = typeof reply === 'string' ? { status: 200, body: reply } : reply;
    return { status, headers: {}, body: Buffer.from(text) };
  }

  async #reply(operation: string, asked: Asked): Promise<Reply> {
    const script = this.script[operation];
    if (script === undefined) throw new Error(`the script says nothing of ${operation}`);
    if (typeof script === 'function') return script(asked);
    if (!Array.isArray(script)) return script;
    const [next = 'TIMEOUT', ...rest] = script;
    if (rest.length > 0) this.script[operation] = rest;
    return next;
  }
}

export const envelope = (body: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>${body}</S:Body></S:Envelope>`;

const CONN = 'http://ws.gematik.de/conn/ConnectorCommon/v5.0';
const CARD = 'http://ws.gematik.de/conn/CardService/v8.1';
const CARDCMN = 'http://ws.gematik.de/conn/CardServiceCommon/v2.0';
const OK = `<c:Status xmlns:c="${CONN}"><c:Result>OK</c:Result></c:Status>`;

export type ScriptedCard = { cardHandle: string; iccsn?: string; ctId?: string; cardType?: string };

export function cardsAnswer(...cards: ScriptedCard[]): string {
  const list = cards.map(
    ({ cardHandle, iccsn, ctId = 'CT1', cardType = 'SMC-B' }) =>
      `<d:Card><c:CardHandle xmlns:c="${CONN}">${cardHandle}</c:CardHandle><CardType xmlns="${CARDCMN}">${cardType}</CardType>${
        iccsn === undefined ? '' : `<Iccsn xmlns="${CARDCMN}">${iccsn}</Iccsn>`
      }<CtId xmlns="${CARDCMN}">${ctId}</CtId><SlotId xmlns="${CARDCMN}">1</SlotId><d:InsertTime>2026-01-15T07:30:00Z</d:InsertTime></d:Card>`,
  );
  return envelope(
    `<e:GetCardsResponse xmlns:e="http://ws.gematik.de/conn/EventService/v7.2">${OK}<d:Cards xmlns:d="${CARD}">${list.join('')}</d:Cards></e:GetCardsResponse>`,
  );
}

export function terminalsAnswer(...terminals: { ctId: string; connected?: boolean; physical?: boolean }[]): string {
  const list = terminals.map(
    ({ ctId, connected = true, physical = true }) =>
      `<t:CardTerminal><CtId xmlns="${CARDCMN}">${ctId}</CtId><c:WorkplaceIds xmlns:c="${CONN}"/><t:Name>${ctId}</t:Name><t:MacAddress>00-0D-F8-05-2D-9C</t:MacAddress><t:Slots>4</t:Slots><t:IS_PHYSICAL>${physical}</t:IS_PHYSICAL><t:Connected>${connected}</t:Connected></t:CardTerminal>`,
  );
  return envelope(
    `<e:GetCardTerminalsResponse xmlns:e="http://ws.gematik.de/conn/EventService/v7.2">${OK}<t:CardTerminals xmlns:t="http://ws.gematik.de/conn/CardTerminalInfo/v8.0">${list.join('')}</t:CardTerminals></e:GetCardTerminalsResponse>`,
  );
}

export function pinAnswer(status: string, leftTries?: number): string {
  const left = leftTries === undefined ? '' : `<d:LeftTries>${leftTries}</d:LeftTries>`;
  return envelope(
    `<d:GetPinStatusResponse xmlns:d="${CARD}">${OK}<d:PinStatus>${status}</d:PinStatus>${left}</d:GetPinStatusResponse>`,
  );
}

export function certificateAnswer(der: Uint8Array | null): string {
  const data =
    der === null
      ? ''
      : `<m:X509Data><m:X509IssuerSerial><m:X509IssuerName>-</m:X509IssuerName><m:X509SerialNumber>1</m:X509SerialNumber></m:X509IssuerSerial><m:X509SubjectName>-</m:X509SubjectName><m:X509Certificate>${Buffer.from(der).toString('base64')}</m:X509Certificate></m:X509Data>`;
  return envelope(
    `<f:ReadCardCertificateResponse xmlns:f="http://ws.gematik.de/conn/CertificateService/v6.0">${OK}<m:X509DataInfoList xmlns:m="http://ws.gematik.de/conn/CertificateServiceCommon/v2.0"><m:X509DataInfo><m:CertRef>C.AUT</m:CertRef>${data}</m:X509DataInfo></m:X509DataInfoList></f:ReadCardCertificateResponse>`,
  );
}

export function signatureAnswer(base64: string, type = 'urn:bsi:tr:03111:ecdsa'): string {
  return envelope(
    `<g:ExternalAuthenticateResponse xmlns:g="http://ws.gematik.de/conn/SignatureService/v7.4">${OK}<s:SignatureObject xmlns:s="urn:oasis:names:tc:dss:1.0:core:schema"><s:Base64Signature Type="${type}">${base64}</s:Base64Signature></s:SignatureObject></g:ExternalAuthenticateResponse>`,
  );
}

/** A fault with one Trace per code, sent as HTTP 500 unless told otherwise. */
export function fault(...codes: (number | string)[]): { status: number; body: string } {
  const traces = codes.map(
    (code) =>
      `<x:Trace><x:EventID>1</x:EventID><x:Instance>i</x:Instance><x:LogReference>l</x:LogReference><x:CompType>Konnektor</x:CompType><x:Code>${code}</x:Code><x:Severity>Error</x:Severity><x:ErrorType>Technical</x:ErrorType><x:ErrorText>text of ${code}</x:ErrorText></x:Trace>`,
  );
  const detail = `<detail><x:Error xmlns:x="http://ws.gematik.de/tel/error/v2.0"><x:MessageID>m</x:MessageID><x:Timestamp>2026-01-15T07:31:00Z</x:Timestamp>${traces.join('')}</x:Error></detail>`;
  return {
    status: 500,
    body: envelope(
      `<S:Fault><faultcode>S:Server</faultcode><faultstring>refused</faultstring>${codes.length > 0 ? detail : ''}</S:Fault>`,
    ),
  };
}

type ListedVersion = { version: string; tls?: string; plain?: string };

/** connector.sds with these versions, in this order. */
export function directoryOf(services: Record<string, ListedVersion[]>, flags = { tls: true }): string {
  const list = Object.entries(services).map(
    ([name, versions]) =>
      `<i:Service Name="${name}"><i:Abstract>${name}</i:Abstract><i:Versions>${versions
        .map(
          ({ version, tls, plain }) =>
            `<i:Version TargetNamespace="urn:x" Version="${version}"><i:Abstract>-</i:Abstract>${
              plain === undefined ? '' : `<i:Endpoint Location="${plain}"/>`
            }${tls === undefined ? '' : `<i:EndpointTLS Location="${tls}"/>`}</i:Version>`,
        )
        .join('')}</i:Versions></i:Service>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?><ConnectorServices xmlns="http://ws.gematik.de/conn/ServiceDirectory/v3.1"><p:ProductInformation xmlns:p="http://ws.gematik.de/int/version/ProductInformation/v1.1"><p:InformationDate>2026-01-15T07:30:00Z</p:InformationDate><p:ProductTypeInformation><p:ProductType>Konnektor</p:ProductType><p:ProductTypeVersion>5.0.1</p:ProductTypeVersion></p:ProductTypeInformation><p:ProductIdentification><p:ProductVendorID>V</p:ProductVendorID><p:ProductCode>C</p:ProductCode><p:ProductVersion><p:Local><p:HWVersion>1.0.0</p:HWVersion><p:FWVersion>2.3.4</p:FWVersion></p:Local></p:ProductVersion></p:ProductIdentification><p:ProductMiscellaneous><p:ProductVendorName>Vendor</p:ProductVendorName><p:ProductName>Box</p:ProductName></p:ProductMiscellaneous></p:ProductInformation><TLSMandatory>${flags.tls}</TLSMandatory><ClientAutMandatory>true</ClientAutMandatory><i:ServiceInformation xmlns:i="http://ws.gematik.de/conn/ServiceInformation/v2.0">${list.join('')}</i:ServiceInformation></ConnectorServices>`;
}

/** Where a Konnektor says that it is: its address in the LAN. */
export const LAN = 'https://192.168.178.42:443';

/** The directory every script begins with; its host is the LAN name, which is not where the client reaches it. */
export const SDS = directoryOf({
  EventService: [{ version: '7.2.0', tls: 'https://konnektor.konlan:443/ws/EventService' }],
  CardService: [{ version: '8.1.2', tls: 'https://konnektor.konlan:443/ws/CardService' }],
  CardTerminalService: [{ version: '1.1.0', tls: 'https://konnektor.konlan:443/ws/CardTerminalService' }],
  CertificateService: [{ version: '6.0.1', tls: 'https://konnektor.konlan:443/ws/CertificateService' }],
  AuthSignatureService: [{ version: '7.4.1', tls: 'https://konnektor.konlan:443/ws/AuthSignatureService' }],
});

/** A log that keeps its lines. */
export function recordingLog(): { log: Logger; lines: { level: string; event: string; fields?: LogFields }[] } {
  const lines: { level: string; event: string; fields?: LogFields }[] = [];
  const at = (level: string) => (event: string, fields?: LogFields) => void lines.push({ level, event, fields });
  return { log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines };
}
