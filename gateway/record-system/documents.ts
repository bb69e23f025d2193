// Writes one document into a record: ITI-41 with MTOM inside the VAU (A_14418-01; epa-record-system.md 4.1, export-flow.md
// 5.1), streamed from the store to the wire (D8). What an answer proves is decided in registry-response.ts, what a broken
// connection proves in vau-channel.ts; nothing here repeats anything.
import { randomUUID } from 'node:crypto';
import { writeMtom } from '../../wire/mtom.ts';
import { writeEnvelope } from '../../wire/soap.ts';
import { xml } from '../../wire/xml.ts';
import { GatewayError } from '../errors.ts';
import type { Clock } from './outside.ts';
import { readWriteAnswer, type WriteOutcome } from './registry-response.ts';
import type { Session } from './session.ts';
import { type DocumentAuthor, type DocumentMetadata, provideAndRegisterRequest } from './submission-set.ts';
import { ITI41, NS } from './tables/xds.ts';

export type { WriteOutcome } from './registry-response.ts';
export type { DocumentAuthor } from './submission-set.ts';

/** One document as it goes out; the same on every repeat. */
export type WriteOrder = {
  kvnr: string;
  /** `urn:uuid:…`, lower case. */
  entryUuid: string;
  /** `2.25.…`. */
  uniqueId: string;
  /** entryUUID of the version this one replaces. */
  replaces: string | null;
  mimeType: string;
  title: string;
  author: DocumentAuthor;
  creationTime: Date;
  serviceStart?: Date;
  serviceStop?: Date;
  content: { length: number; chunks: () => AsyncIterable<Uint8Array> };
  /** Awaited when the connection stands, before the first byte leaves: the export is `sent` from here on (EXP-04, D9). */
  beforeFirstByte: () => void | Promise<void>;
  /** Awaited when the last byte has been handed to the connection. */
  afterLastByte?: () => void | Promise<void>;
};

export type WriteSettings = {
  now?: Clock;
  /** Limit for the answer; 1 s more per MB of content (D22). */
  answerSeconds?: number;
  /** What the settings of the order's author say of its metadata. */
  metadata?: (author: DocumentAuthor) => DocumentMetadata | undefined;
};

const DEFAULT_ANSWER_SECONDS = 20;

/**
 * Throws GatewayError where surely nothing was written: before the first byte, before the frame's tag, or by an answer that
 * says so (SESSION_LOST, RECORD_NOT_FOUND, RECORD_SUSPENDED, RECORD_BUSY). Everything else is an outcome.
 */
export async function writeDocument(
  session: Pick<Session, 'request' | 'drop' | 'origin'>,
  order: WriteOrder,
  settings: WriteSettings = {},
): Promise<WriteOutcome> {
  const messageId = `urn:uuid:${randomUUID()}`;
  const message = writeMessage({ order, messageId, settings, to: `${session.origin}${ITI41.path}` });
  const megabytes = Math.ceil(order.content.length / 1_000_000);
  let outcome: WriteOutcome;
  try {
    const answer = await session.request({
      method: 'POST',
      path: ITI41.path,
      headers: [
        // The insured is chosen per request, not per session (SES-03).
        ['x-insurantid', order.kvnr],
        ['Content-Type', message.contentType],
        ['Accept', 'application/soap+xml, multipart/related, application/json'],
      ],
      body: { length: message.length, chunks: () => message.body },
      timeoutMs: 1000 * ((settings.answerSeconds ?? DEFAULT_ANSWER_SECONDS) + megabytes),
      beforeFirstByte: order.beforeFirstByte,
      ...(order.afterLastByte && { afterLastByte: order.afterLastByte }),
    });
    outcome = await readWriteAnswer(answer, { messageId, uniqueId: order.uniqueId });
  } catch (thrown) {
    if (thrown instanceof GatewayError && thrown.code === 'WRITE_UNANSWERED')
      return { kind: 'no-answer', error: thrown };
    throw thrown;
  }
  // The channel is another SMC-B's: no further document may use it (EXP-26).
  if (outcome.kind === 'registry-error' && outcome.meaning === 'wrong-telematik-id') session.drop();
  return outcome;
}

function writeMessage(o: { order: WriteOrder; messageId: string; settings: WriteSettings; to: string }) {
  const { order, settings } = o;
  const contentId = `document.${randomUUID()}@xds`;
  const body = provideAndRegisterRequest({
    ...order,
    submissionTime: new Date((settings.now ?? Date.now)()),
    contentId,
    metadata: settings.metadata?.(order.author),
  });
  const wsa = (name: string, ...content: Parameters<typeof xml>[2][]) =>
    xml(`wsa:${name}`, { 'xmlns:wsa': NS.wsa }, ...content);
  const root = writeEnvelope({
    version: '1.2',
    // WS-Addressing is required by the WSDL; no homeCommunity block and no ContextHeader in ePA 3.
    header: [
      wsa('Action', ITI41.action),
      wsa('MessageID', o.messageId),
      wsa('To', o.to),
      wsa('ReplyTo', xml('wsa:Address', {}, `${NS.wsa}/anonymous`)),
    ],
    body,
  });
  return writeMtom({
    root,
    action: ITI41.action,
    boundary: `uuid:${randomUUID()}`,
    rootContentId: `root.${randomUUID()}@xds`,
    parts: [
      {
        contentId,
        contentType: 'application/octet-stream',
        length: order.content.length,
        bytes: { [Symbol.asyncIterator]: () => order.content.chunks()[Symbol.asyncIterator]() },
      },
    ],
  });
}
