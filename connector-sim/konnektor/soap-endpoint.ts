// The Konnektor's SOAP door (konnektor.md 1): SOAP 1.1 over POST, text/xml in UTF-8, operation chosen by SOAPAction and
// body element together; failures are SOAP faults with HTTP 500 and detail/GERROR:Error. One operation = one
// `defineOperation` in a service file; faults `konnektor.<Operation>` strike here.
import { WireError } from '../../wire/error.ts';
import { readEnvelope, SOAP_NS, type SoapMessage, writeEnvelope, writeFault } from '../../wire/soap.ts';
import type { Markup, XmlElement } from '../../wire/xml.ts';
import type { Fault } from '../faults.ts';
import type { HttpAnswer, HttpRequestIn } from '../http-server.ts';
import { headerOf } from '../http-server.ts';
import { underFault } from '../network-faults.ts';
import type { SimParts } from '../parts.ts';
import type { KonnektorManners } from '../tables/konnektor-profiles.ts';
import { cardByHandle } from './cards.ts';
import { checkIdCharacters } from './context.ts';
import { errorText, KonnektorFault, telematikError } from './konnektor-fault.ts';
import { CARD_82, dressed, mannersOf } from './manners.ts';
import type { KonnektorState } from './model.ts';
import { NS } from './namespaces.ts';
import { isCritical } from './operating-state.ts';
import { konnektorProfile } from './sds.ts';

/** Of a context that is not configured, some answer that the ClientSystem is not known to them (konnektor.md 4). */
const UNKNOWN_CONTEXT: ReadonlySet<number> = new Set([4004, 4005, 4006]);

/** What an operation may use: the simulator's parts and the fault switched on for this very call. */
export type OperationCall = KonnektorParts & {
  manners: KonnektorManners;
  fault: Fault | undefined;
  /** Of the service at the path that was called. */
  revision: string;
};

/** The parts with the Konnektor that is asked; with several, each has its own terminals, cards, handles and sessions. */
export type KonnektorParts = SimParts & { konnektor: KonnektorState };

/** `cardService82`: the endpoint of CardService 8.2, whose PIN messages are those of 8.1 in another namespace. */
type EndpointParts = KonnektorParts & { cardService82?: boolean; revision?: string };

export type Operation = {
  name: string;
  ns: string;
  /** Reads the request strictly, checks access, acts; the answer's body element. Throws KonnektorFault. */
  answer(body: XmlElement, call: OperationCall): Promise<Markup>;
};

/** Joins a strict reader and the act itself, so that `run` only ever sees a well-formed request. */
export function defineOperation<T>(o: {
  name: string;
  ns: string;
  read: (body: XmlElement) => T;
  run: (input: T, call: OperationCall) => Markup | Promise<Markup>;
}): Operation {
  return { name: o.name, ns: o.ns, answer: async (body, call) => o.run(o.read(body), call) };
}

/** Answers one SOAP request sent to the endpoint of `operations`. */
export async function answerSoap(
  request: HttpRequestIn,
  operations: readonly Operation[],
  parts: EndpointParts,
): Promise<HttpAnswer> {
  const action = /^"?([^"]*)"?$/.exec(headerOf(request, 'SOAPAction')?.trim() ?? '')?.[1] ?? '';
  const named = action.slice(action.indexOf('#') + 1) || 'soap';
  let name = /^[A-Za-z]{1,64}$/.test(named) ? named : 'soap';
  try {
    const { konnektor } = parts;
    const profile = konnektorProfile(parts);
    const plainXml = profile.plainXml && /^application\/xml\s*(;|$)/i.test(headerOf(request, 'Content-Type') ?? '');
    const body = ofVersion(readRequest(request, plainXml ? 'application/xml' : 'text/xml'), parts);
    const operation = operations.find((o) => o.name === body.name && o.ns === body.ns);
    if (operation === undefined) throw new KonnektorFault(4000, 'operation not offered at this endpoint');
    name = operation.name;
    // WS-I BP 1.2 R1109: the value is quoted; its absence or another operation's action is refused.
    const ns = parts.cardService82 === true ? CARD_82 : operation.ns;
    if (parts.strict && action !== `${ns}#${operation.name}` && !(plainXml && action === ''))
      throw new KonnektorFault(4000, 'SOAPAction does not fit the body');
    if (profile.strictIds) checkIdCharacters(body);
    const iccsn = cardByHandle(konnektor, handleIn(body))?.iccsn;
    const fault = parts.faults.take(`konnektor.${name}`, {
      konnektor: konnektor.id,
      ...(iccsn !== undefined && { iccsn }),
    });
    return await underFault(fault, name, async () => {
      try {
        if (fault?.kind === 'soap-fault') throw new KonnektorFault(Number(fault.params?.code ?? 4001));
        // What only asks and subscribes is answered in any state (konnektor.md 5).
        if (operation.ns !== NS.EVT && isCritical(konnektor)) throw new KonnektorFault(4002);
        const { revision = '' } = parts;
        const answer = await operation.answer(body, { ...parts, manners: mannersOf(parts), fault, revision });
        return soapAnswer(200, writeEnvelope({ version: '1.1', body: answer }), { parts, operation: name });
      } catch (error) {
        return faultAnswer(error, name, parts, fault);
      }
    });
  } catch (error) {
    return faultAnswer(error, name, parts);
  }
}

/** A fault before any operation was looked at. */
export function soapRefusal(code: number, parts: KonnektorParts): HttpAnswer {
  return faultAnswer(new KonnektorFault(code), 'soap', parts);
}

function readRequest(request: HttpRequestIn, wanted: string): XmlElement {
  if (request.method !== 'POST') throw new KonnektorFault(4000, 'POST only');
  const [mediaType = '', ...parameters] = (headerOf(request, 'Content-Type') ?? '').split(';').map((p) => p.trim());
  if (mediaType.toLowerCase() !== wanted) throw new KonnektorFault(4000, 'Content-Type is not text/xml');
  const charset = parameters
    .find((p) => /^charset=/i.test(p))
    ?.slice('charset='.length)
    .replaceAll('"', '');
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8') throw new KonnektorFault(4000, 'UTF-8 only');
  const message: SoapMessage = readEnvelope(request.body);
  if (message.version !== '1.1') throw new WrongVersion();
  if (message.header.some(mustBeUnderstood)) throw new NotUnderstood();
  if (message.body === undefined) throw new KonnektorFault(4000, 'no operation in the body');
  return message.body;
}

/** A request to CardService 8.2 as 8.1 has it; one in the namespace of 8.1 is no request of this endpoint. */
function ofVersion(body: XmlElement, { cardService82 }: EndpointParts): XmlElement {
  if (cardService82 !== true) return body;
  if (body.ns !== CARD_82) throw new KonnektorFault(4000, 'operation not offered at this endpoint');
  const in81 = (e: XmlElement): XmlElement => ({
    ...e,
    ns: e.ns === CARD_82 ? NS.CARD : e.ns,
    children: e.children.map(in81),
  });
  return in81(body);
}

class WrongVersion extends KonnektorFault {
  readonly faultCode = 'VersionMismatch';
  constructor() {
    super(4000, 'SOAP 1.1 only');
  }
}

class NotUnderstood extends KonnektorFault {
  readonly faultCode = 'MustUnderstand';
  constructor() {
    super(4000, 'a header block that must be understood');
  }
}

/** SOAP 1.1 4.2.2 and 4.2.3: no block is known here, but one for another actor is not ours to refuse. */
function mustBeUnderstood({ attributes }: XmlElement): boolean {
  const of = (name: string) => attributes.get(`{${SOAP_NS['1.1']}}${name}`)?.trim() ?? '';
  const ours = ['', 'http://schemas.xmlsoap.org/soap/actor/next'].includes(of('actor'));
  return ours && /^(1|true)$/.test(of('mustUnderstand'));
}

/** The CONN:CardHandle of a request, wherever the operation has it, for narrowing faults to a card. */
function handleIn(body: XmlElement): string {
  return body.children.find((e) => e.name === 'CardHandle' && e.ns === NS.CONN)?.text ?? '';
}

function faultAnswer(error: unknown, operation: string, parts: EndpointParts, played?: Fault): HttpAnswer {
  if (error instanceof WireError) return faultAnswer(new KonnektorFault(4000, error.code), operation, parts, played);
  if (!(error instanceof KonnektorFault)) throw error;
  const asked = played?.kind === 'soap-fault' ? played : undefined;
  const manners = mannersOf(parts);
  const code =
    asked === undefined && manners.unknownContext === 4204 && UNKNOWN_CONTEXT.has(error.code) ? 4204 : error.code;
  const detail = telematikError({
    code,
    now: parts.world.now(),
    severity: 'Error',
    ...(error.code === 4000 ? { detail: error.message } : {}),
  });
  const xml = writeFault({
    version: '1.1',
    code:
      error instanceof WrongVersion || error instanceof NotUnderstood
        ? error.faultCode
        : error.code === 4000
          ? 'Client'
          : 'Server',
    reason: code === error.code ? error.message : errorText(code),
    detail: [detail],
  });
  // AUTH met Konnektoren whose faults come with HTTP 200 (konnektor.md 1).
  const status = Number(asked?.params?.status ?? manners.faultStatus);
  const vendorTrace = asked?.params?.vendorCode === undefined ? manners.vendorTrace : Number(asked.params.vendorCode);
  return soapAnswer(status, xml, { parts, vendorTrace, operation, rule: `konnektor.${error.code}: ${error.message}` });
}

function soapAnswer(
  status: number,
  xml: string,
  { parts, vendorTrace, ...more }: { parts: EndpointParts; vendorTrace?: number | null } & Partial<HttpAnswer>,
): HttpAnswer {
  const manners = mannersOf(parts);
  const told = vendorTrace === undefined ? manners : { ...manners, vendorTrace };
  const body = dressed(xml, told, parts.cardService82);
  return { status, headers: [['Content-Type', 'text/xml; charset=utf-8']], body, ...more };
}
