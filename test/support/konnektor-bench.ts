// A simulated Konnektor alone, behind its real listener, and a client that sends it whatever a test wants: bodies written
// out by hand from the schema, never by the gateway's own writer.
import { Agent, request } from 'undici';
import { Faults } from '../../connector-sim/faults.ts';
import { listen } from '../../connector-sim/http-server.ts';
import { Journal } from '../../connector-sim/journal.ts';
import { CetpOut, type CetpSent } from '../../connector-sim/konnektor/cetp-out.ts';
import { createKonnektor } from '../../connector-sim/konnektor/konnektor.ts';
import { konnektorTls, konnektorTlsFaults } from '../../connector-sim/konnektor/konnektor-tls.ts';
import type { KonnektorState } from '../../connector-sim/konnektor/model.ts';
import { konnektorProfile } from '../../connector-sim/konnektor/sds.ts';
import type { Addresses, SimParts } from '../../connector-sim/parts.ts';
import { createPki, type SimPki } from '../../connector-sim/pki.ts';
import { chainPem, KONNEKTOR_NAME } from '../../connector-sim/settings.ts';
import type { KonnektorVendor } from '../../connector-sim/tables/konnektor-profiles.ts';
import { DEMO_TELEMATIK_ID, World } from '../../connector-sim/world.ts';
import { readEnvelope, type SoapMessage } from '../../wire/soap.ts';
import { clientTlsOptions } from '../../wire/tls.ts';
import type { XmlElement } from '../../wire/xml.ts';

const NAMESPACES = {
  CONN: 'http://ws.gematik.de/conn/ConnectorCommon/v5.0',
  CCTX: 'http://ws.gematik.de/conn/ConnectorContext/v2.0',
  CARDCMN: 'http://ws.gematik.de/conn/CardServiceCommon/v2.0',
  CARD: 'http://ws.gematik.de/conn/CardService/v8.1',
  CT: 'http://ws.gematik.de/conn/CardTerminalService/v1.1',
  EVT: 'http://ws.gematik.de/conn/EventService/v7.2',
  CERT: 'http://ws.gematik.de/conn/CertificateService/v6.0',
  CERTCMN: 'http://ws.gematik.de/conn/CertificateServiceCommon/v2.0',
  SIG: 'http://ws.gematik.de/conn/SignatureService/v7.4',
  dss: 'urn:oasis:names:tc:dss:1.0:core:schema',
};
const declarations = Object.entries(NAMESPACES)
  .map(([prefix, uri]) => ` xmlns:${prefix}="${uri}"`)
  .join('');

/** Where each operation lives and the prefix of its message. */
const OPERATIONS = {
  GetCards: ['EventService', 'EVT'],
  GetCardTerminals: ['EventService', 'EVT'],
  GetResourceInformation: ['EventService', 'EVT'],
  Subscribe: ['EventService', 'EVT'],
  RenewSubscriptions: ['EventService', 'EVT'],
  Unsubscribe: ['EventService', 'EVT'],
  GetSubscription: ['EventService', 'EVT'],
  GetPinStatus: ['CardService', 'CARD'],
  VerifyPin: ['CardService', 'CARD'],
  ChangePin: ['CardService', 'CARD'],
  UnblockPin: ['CardService', 'CARD'],
  EnablePin: ['CardService', 'CARD'],
  DisablePin: ['CardService', 'CARD'],
  RequestCard: ['CardTerminalService', 'CT'],
  EjectCard: ['CardTerminalService', 'CT'],
  ReadCardCertificate: ['CertificateService', 'CERT'],
  CheckCertificateExpiration: ['CertificateService', 'CERT'],
  VerifyCertificate: ['CertificateService', 'CERT'],
  ExternalAuthenticate: ['AuthSignatureService', 'SIG'],
} as const;
export type BenchOperation = keyof typeof OPERATIONS;
export const BENCH_OPERATIONS = Object.keys(OPERATIONS) as BenchOperation[];

export const context = (mandant = 'm1', clientSystem = 'c1', workplace = 'w1') =>
  `<CCTX:Context><CONN:MandantId>${mandant}</CONN:MandantId><CONN:ClientSystemId>${clientSystem}</CONN:ClientSystemId>` +
  `<CONN:WorkplaceId>${workplace}</CONN:WorkplaceId></CCTX:Context>`;

export type BenchAnswer = {
  status: number;
  text: string;
  soap: SoapMessage;
  /** gematik code of the fault's last trace; null without a fault */
  code: number | null;
};

export type KonnektorBench = {
  world: World;
  faults: Faults;
  journal: Journal;
  pki: SimPki;
  url: string;
  /** Every frame on its way to a sink, in order; `cetp.idle()` waits for them. */
  sent: CetpSent[];
  cetp: CetpOut;
  cardHandle(): string;
  call(operation: BenchOperation, content: string, attributes?: string): Promise<BenchAnswer>;
  /** Any HTTP request to the Konnektor, with the client certificate; to a path, or to an address of its directory. */
  raw(
    path: string,
    o: { method?: 'GET' | 'POST'; headers?: Record<string, string>; body?: string | Uint8Array },
  ): Promise<{ status: number; text: string }>;
  envelope(operation: BenchOperation, content: string, attributes?: string): string;
  path(operation: BenchOperation): string;
  soapAction(operation: BenchOperation): string;
  stop(): Promise<void>;
};

let pki: SimPki | undefined;

/** One PKI for a test file: minting is the slow part. */
export function benchPki(): SimPki {
  pki ??= createPki({ telematikId: DEMO_TELEMATIK_ID, organization: 'Demo DiGA GmbH' });
  return pki;
}

export async function startKonnektorBench(
  o: { seed?: number; strict?: boolean; vendor?: KonnektorVendor } = {},
): Promise<KonnektorBench> {
  const pki = benchPki();
  const world = new World({ pki, seed: o.seed ?? 1, pinEntryMs: 0, konnektor: o.vendor });
  const faults = new Faults({ random: () => world.random(), konnektors: () => world.konnektors.keys() });
  const journal = new Journal({ now: world.now });
  const addresses: Addresses = {
    konnektor: '',
    recordSystems: { 'epa-as-1': '', 'epa-as-2': '' },
    idp: '',
    control: '',
    ocsp: '',
  };
  const parts: SimParts = { world, pki, faults, addresses, strict: o.strict ?? true };
  const sent: CetpSent[] = [];
  const cetp = new CetpOut(parts, (one) => {
    sent.push(one);
    journal.recordSent(one);
  });
  parts.cetp = cetp;
  let plain = '';
  const service = createKonnektor(parts, 'k1', () => ({ tls: addresses.konnektor, plain }));
  const plainly = await listen({ port: 0, handler: service.handlePlain, service: 'konnektor', journal });
  plain = plainly.url;
  const listener = await listen({
    port: 0,
    handler: service.handle,
    service: 'konnektor',
    journal,
    tls: konnektorTls(pki),
    onConnection: konnektorTlsFaults({ pki, faults }),
  });
  addresses.konnektor = listener.url;
  const dispatcher = new Agent({ connect: konnektorClient(pki) });

  const envelope = (operation: BenchOperation, content: string, attributes = '') => {
    const name = `${OPERATIONS[operation][1]}:${operation}`;
    return (
      `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"${declarations}><s:Body>` +
      `<${name}${attributes}>${content}</${name}></s:Body></s:Envelope>`
    );
  };
  const path = (operation: BenchOperation) =>
    konnektorProfile({ konnektor: world.konnektor, world }).paths[OPERATIONS[operation][0]];
  const soapAction = (operation: BenchOperation) => `"${NAMESPACES[OPERATIONS[operation][1]]}#${operation}"`;
  const raw: KonnektorBench['raw'] = async (at, options) => {
    const answer = await request(new URL(at, listener.url), { dispatcher, method: 'POST', ...options });
    return { status: answer.statusCode, text: await answer.body.text() };
  };
  return {
    world,
    faults,
    journal,
    pki,
    url: listener.url,
    sent,
    cetp,
    cardHandle: () => world.konnektor.cards.get(pki.smcb.iccsn)?.cardHandle ?? '',
    envelope,
    path,
    soapAction,
    raw,
    async call(operation, content, attributes) {
      const { status, text } = await raw(path(operation), {
        headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: soapAction(operation) },
        body: envelope(operation, content, attributes),
      });
      const soap = readEnvelope(text);
      return { status, text, soap, code: faultCode(soap) };
    },
    async stop() {
      cetp.stop();
      await dispatcher.destroy();
      await listener.stop();
      await plainly.stop();
    },
  };
}

/** TLS options of a client with a certificate the Konnektor's CA issued. */
export function konnektorClient(pki: SimPki) {
  return clientTlsOptions({
    ca: pki.konnektorRoot.certPem,
    cert: chainPem(pki.clientCertificate, pki.konnektorCa),
    key: pki.clientCertificate.keyPem,
    servername: KONNEKTOR_NAME,
  });
}

/** First descendant of that local name, wherever it is. */
export function find(element: XmlElement | undefined, name: string): XmlElement | undefined {
  if (element === undefined || element.name === name) return element;
  for (const child of element.children) {
    const found = find(child, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function findText(element: XmlElement | undefined, name: string): string | undefined {
  return find(element, name)?.text.trim();
}

function faultCode(soap: SoapMessage): number | null {
  if (soap.fault === undefined) return null;
  const traces = soap.fault.detail[0]?.children.filter((e) => e.name === 'Trace') ?? [];
  return Number(findText(traces.at(-1), 'Code'));
}

/** Mandant m1's second ClientSystem c2 at w1, for which the one client certificate is good as well. */
export function addClientSystem(state: KonnektorState): void {
  state.model.clientSystems.set('c2', ['w1']);
  state.model.mandants[0]?.clientSystems.push('c2');
  state.transport = { ...state.transport, boundTo: null };
}
