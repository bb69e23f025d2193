// Reading what arrives at I_Document_Management (epa-record-system.md 4.1; export-flow.md 5.1): SOAP 1.2, WS-Addressing, MTOM.
// What cannot be read is answered with a SOAP fault; any boundary, start and start-info a client's stack writes is taken.
import { WireError } from '../../wire/error.ts';
import { type HttpRequest, header } from '../../wire/http-message.ts';
import { isMultipart, type MtomMessage, partOf, readMtom } from '../../wire/mtom.ts';
import { readEnvelope, type SoapMessage } from '../../wire/soap.ts';
import { child, type XmlElement } from '../../wire/xml.ts';
import { NS } from '../tables/ebrim.ts';

/** A message answered with a SOAP fault: its code, a reason, and the rule that was broken. */
export class SoapRefusal extends Error {
  readonly code: 'Client' | 'Server' | 'VersionMismatch' | 'MustUnderstand';
  readonly rule: string;

  constructor(rule: string, reason: string, code: SoapRefusal['code'] = 'Client') {
    super(reason);
    this.name = 'SoapRefusal';
    this.code = code;
    this.rule = rule;
  }
}

export type XdsMessage = {
  action: string;
  messageId: string;
  body: XmlElement;
  /** undefined: not sent as MTOM */
  parts: MtomMessage['parts'] | undefined;
  homeCommunityBlock: boolean;
};

/** Greatest part the reader takes in; the rules judge the size a document may have. */
const PART_LIMIT = 300_000_000;

/** Reads one request. Throws SoapRefusal. */
export async function readXdsMessage(request: HttpRequest): Promise<XdsMessage> {
  const contentType = header(request.headers, 'content-type') ?? '';
  const mtom = isMultipart(contentType);
  if (!mtom && !/^application\/soap\+xml\b/i.test(contentType))
    throw new SoapRefusal('xds.content-type', 'neither MTOM nor SOAP 1.2');
  const multipart = mtom ? await readParts(contentType, request.body) : undefined;
  const message = readSoap(multipart?.root ?? request.body);
  if (message.version !== '1.2') throw new SoapRefusal('xds.soap-version', 'SOAP 1.2 is required', 'VersionMismatch');
  if (message.body === undefined) throw new SoapRefusal('xds.message', 'empty Body');
  for (const block of message.header) {
    const must = block.attributes.get('{http://www.w3.org/2003/05/soap-envelope}mustUnderstand');
    if (block.ns !== NS.wsa && (must === 'true' || must === '1'))
      throw new SoapRefusal('xds.must-understand', `header ${block.name} is not understood`, 'MustUnderstand');
  }
  return {
    ...readAddressing(message.header),
    body: message.body,
    parts: multipart?.parts,
    homeCommunityBlock: message.header.some((block) => block.name === 'homeCommunityBlock'),
  };
}

async function readParts(contentType: string, body: Uint8Array): Promise<MtomMessage> {
  try {
    return await readMtom(contentType, body, { partBytes: PART_LIMIT });
  } catch (error) {
    if (error instanceof WireError) throw new SoapRefusal('xds.mtom', `MTOM unreadable (${error.code})`);
    throw error;
  }
}

function readSoap(root: Uint8Array): SoapMessage {
  try {
    return readEnvelope(root);
  } catch (error) {
    if (error instanceof WireError) throw new SoapRefusal('xds.message', `message unreadable (${error.code})`);
    throw error;
  }
}

/** WS-Addressing 1.0 is demanded by the WSDL: Action, MessageID, To and, where given, an anonymous ReplyTo, each once. */
function readAddressing(header: readonly XmlElement[]): { action: string; messageId: string } {
  const one = (name: string): XmlElement | undefined => {
    const found = header.filter((block) => block.ns === NS.wsa && block.name === name);
    if (found.length > 1) throw new SoapRefusal('xds.addressing', `${name} stands twice`);
    return found[0];
  };
  const text = (name: string): string => {
    const value = one(name)?.text.trim() ?? '';
    if (value === '')
      throw new SoapRefusal(
        'xds.addressing',
        `A required header representing a Message Addressing Property is not present: ${name}`,
      );
    return value;
  };
  text('To'); // one client's To names its local proxy, so it is not compared
  const replyTo = one('ReplyTo');
  const address = replyTo === undefined ? undefined : child(replyTo, NS.wsa, 'Address')?.text.trim();
  if (replyTo !== undefined && address !== `${NS.wsa}/anonymous`)
    throw new SoapRefusal('xds.addressing', 'ReplyTo is not anonymous');
  return { action: text('Action'), messageId: text('MessageID') };
}

export type SubmittedDocument = { id: string; bytes: Uint8Array };

/** The documents of ITI-41, each from its MIME part: MTOM is mandatory (A_14418). Throws SoapRefusal. */
export function readDocuments(message: XdsMessage): SubmittedDocument[] {
  if (message.parts === undefined) throw new SoapRefusal('xds.mtom', 'ITI-41 requires MTOM');
  const { parts } = message;
  const used = new Set<string>();
  const documents = message.body.children
    .filter((element) => element.ns === NS.xds && element.name === 'Document')
    .map((element) => {
      const include = element.children[0];
      if (
        include === undefined ||
        include.ns !== NS.xop ||
        include.name !== 'Include' ||
        element.children.length > 1 ||
        element.text.trim() !== ''
      )
        throw new SoapRefusal('xds.mtom', 'Document is not an xop:Include');
      const contentId = partNamedBy(include, parts);
      const part = contentId === undefined ? undefined : parts.get(contentId);
      if (contentId === undefined || part === undefined || used.has(contentId))
        throw new SoapRefusal('xds.mtom', 'xop:Include without a part of its own');
      used.add(contentId);
      return { id: element.attributes.get('id') ?? '', bytes: part.bytes };
    });
  if (used.size !== parts.size) throw new SoapRefusal('xds.mtom', 'a part no xop:Include names');
  return documents;
}

function partNamedBy(include: XmlElement, parts: MtomMessage['parts']): string | undefined {
  try {
    return partOf(include.attributes.get('href') ?? '', parts);
  } catch {
    throw new SoapRefusal('xds.mtom', 'xop:Include without a cid');
  }
}
