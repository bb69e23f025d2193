// Writing a document (export-flow.md 5.1, D8, D22): what goes out, and what becomes of each end. What an answer proves is
// registry-response.test.ts.
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { type WriteOrder, writeDocument } from '../../../../gateway/record-system/documents.ts';
import type { InnerRequest } from '../../../../gateway/record-system/session.ts';
import { type HttpResponse, header } from '../../../../wire/http-message.ts';
import { readMtom } from '../../../../wire/mtom.ts';
import { readEnvelope } from '../../../../wire/soap.ts';
import { errorOf } from './peers.ts';
import { ACTION, error, registry, response, STATUS, soap, UNIQUE_ID } from './registry-answers.ts';

const KVNR = 'X110425360';
const CONTENT = new TextEncoder().encode('<Bundle xmlns="http://hl7.org/fhir"/>');
const ORDER: WriteOrder = {
  kvnr: KVNR,
  entryUuid: 'urn:uuid:758b59c8-5175-41a7-a2f0-efb659256708',
  uniqueId: UNIQUE_ID,
  replaces: null,
  mimeType: 'application/fhir+xml',
  title: 'Export',
  author: { telematikId: '9-TEST', digaName: 'Demo', manufacturer: 'Demo GmbH' },
  creationTime: new Date('2026-11-25T09:00:00Z'),
  content: {
    length: CONTENT.length,
    async *chunks() {
      yield CONTENT.subarray(0, 5);
      yield CONTENT.subarray(5);
    },
  },
  beforeFirstByte: () => {},
};

/** A session that answers with `answer` and keeps what was sent. */
function session(answer: (request: InnerRequest) => HttpResponse | Promise<HttpResponse>) {
  const seen: { requests: InnerRequest[]; bodies: Uint8Array[]; dropped: number } = {
    requests: [],
    bodies: [],
    dropped: 0,
  };
  return {
    seen,
    origin: 'https://as1.test',
    drop: () => {
      seen.dropped += 1;
    },
    request: async (request: InnerRequest) => {
      await request.beforeFirstByte?.();
      const pieces: Uint8Array[] = [];
      const { body = new Uint8Array() } = request;
      for await (const piece of body instanceof Uint8Array ? [body] : body.chunks())
        pieces.push(Uint8Array.from(piece));
      seen.requests.push(request);
      seen.bodies.push(Buffer.concat(pieces));
      return await answer(request);
    },
  };
}
const succeeds = () => response(200, soap(registry(`${STATUS}Success`), []));

async function sent(order: Partial<WriteOrder> = {}, settings = {}) {
  const to = session(succeeds);
  const outcome = await writeDocument(to, { ...ORDER, ...order }, settings);
  const [request] = to.seen.requests;
  if (request === undefined) throw new Error('nothing sent');
  const message = await readMtom(header(request.headers, 'content-type') ?? '', to.seen.bodies[0] ?? new Uint8Array());
  return {
    outcome,
    request,
    bytes: to.seen.bodies[0] ?? new Uint8Array(),
    message,
    envelope: readEnvelope(message.root),
  };
}

describe('writeDocument', () => {
  it('sends the bytes unchanged as one MIME part of exactly the announced length', async () => {
    const { outcome, request, bytes, message } = await sent();
    expect(outcome).toEqual({ kind: 'stored' });
    expect(request.body?.length).toBe(bytes.length);
    expect([...message.parts.values()].map((part) => Buffer.from(part.bytes).toString())).toEqual([
      Buffer.from(CONTENT).toString(),
    ]);
  });

  it('addresses I_Document_Management for this insured, SOAP 1.2 with WS-Addressing', async () => {
    const { request, envelope } = await sent();
    expect([request.method, request.path]).toEqual(['POST', '/epa/xds-document/api/I_Document_Management']);
    expect(header(request.headers, 'x-insurantid')).toBe(KVNR);
    expect(envelope.version).toBe('1.2');
    const block = (name: string) =>
      envelope.header.find((h) => h.name === name && h.ns === 'http://www.w3.org/2005/08/addressing');
    expect(block('Action')?.text).toBe(ACTION);
    expect(block('MessageID')?.text).toMatch(/^urn:uuid:[0-9a-f-]{36}$/);
    expect(block('To')?.text).toBe('https://as1.test/epa/xds-document/api/I_Document_Management');
    expect(block('ReplyTo')?.children[0]?.text).toBe('http://www.w3.org/2005/08/addressing/anonymous');
    expect(envelope.header.length).toBe(4);
  });

  it.each([
    [1, 21_000],
    [1_000_000, 21_000],
    [1_000_001, 22_000],
    [25_000_000, 45_000],
  ])('waits for an answer to %s bytes for %s ms (D22)', async (length, ms) => {
    const to = session(succeeds);
    const chunks = async function* () {
      yield new Uint8Array(length);
    };
    await writeDocument(to, { ...ORDER, content: { length, chunks } });
    expect(to.seen.requests[0]?.timeoutMs).toBe(ms);
  });

  it('passes on the hook that marks the export sent, and nothing leaves when it refuses', async () => {
    const to = session(succeeds);
    const refuse = () => Promise.reject(new GatewayError('STATE_CONFLICT', 'no lease'));
    expect((await errorOf(writeDocument(to, { ...ORDER, beforeFirstByte: refuse }))).code).toBe('STATE_CONFLICT');
    expect(to.seen.bodies).toEqual([]);
  });

  it('an answer to an older message of ours does not count', async () => {
    const to = session(() => response(200, soap(registry(`${STATUS}Success`))));
    expect(await writeDocument(to, ORDER)).toMatchObject({ kind: 'no-answer', error: { check: 'iti41.relates-to' } });
  });

  it('turns an exchange without an answer into an outcome', async () => {
    const to = session(() => {
      throw new GatewayError('WRITE_UNANSWERED', 'cut');
    });
    expect(await writeDocument(to, ORDER)).toMatchObject({ kind: 'no-answer', error: { code: 'WRITE_UNANSWERED' } });
  });

  it.each(['SESSION_LOST', 'RECORD_SYSTEM_UNREACHABLE', 'STORE_BROKEN'] as const)(
    'throws %s: nothing was written',
    async (code) => {
      const to = session(() => {
        throw new GatewayError(code, 'test');
      });
      expect((await errorOf(writeDocument(to, ORDER))).code).toBe(code);
    },
  );

  it('gives up a channel that belongs to another card', async () => {
    const to = session(() =>
      response(200, soap(registry(`${STATUS}Failure`, error('X', 'Telematik-ID does not match')), [])),
    );
    expect(await writeDocument(to, ORDER)).toMatchObject({ meaning: 'wrong-telematik-id' });
    expect(to.seen.dropped).toBe(1);
  });

  it('keeps a channel after any other refusal', async () => {
    const to = session(() => response(200, soap(registry(`${STATUS}Failure`, error('NotEntitled')), [])));
    await writeDocument(to, ORDER);
    expect(to.seen.dropped).toBe(0);
  });
});
