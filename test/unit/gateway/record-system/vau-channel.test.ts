// The client's frames (epa-record-system.md 1.5–1.7) against a VAU made for the test: order, counters, every check on the
// answer broken alone, and what each failure says about the request: surely not processed, or unknown.
import { beforeAll, describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import type { InnerRequest } from '../../../../gateway/record-system/vau-channel.ts';
import { encodeCbor } from '../../../../wire/cbor.ts';
import { header } from '../../../../wire/http-message.ts';
import { type Answer, createPki, errorOf, failsWith, type Pki, type Route, refusalOf, USER_AGENT } from './peers.ts';
import { type Opening, openVauChannel, type Twist, vauError } from './vau-peer.ts';

let pki: Pki;
beforeAll(() => {
  pki = createPki();
});

const OCTETS = { 'content-type': 'application/octet-stream' };
const CBOR = { 'content-type': 'application/cbor' };
const GET: InnerRequest = { method: 'GET', path: '/VAU-Status', headers: [] };

const openChannel = (o?: Opening) => openVauChannel(pki, o);

const isData: (request: Parameters<Route>[0]['request']) => boolean = (request) =>
  request.headers?.['content-type'] === 'application/octet-stream';
const onData =
  (answer: () => Answer): Route =>
  ({ request }) =>
    isData(request) ? answer() : undefined;

describe('data frames', () => {
  it('count from 1, never repeat an IV, and say Host, x-useragent and X-Request-ID inside', async () => {
    const { channel, peer, egress } = await openChannel();
    for (let i = 0; i < 3; i++) await channel.request(GET);
    expect(peer.seen.counters).toEqual([1n, 2n, 3n]);
    expect(new Set(peer.seen.ivs).size).toBe(3);
    expect(peer.seen.ivs.map((iv) => iv.slice(8))).toEqual([
      '0000000000000001',
      '0000000000000002',
      '0000000000000003',
    ]);
    const headers = peer.seen.inner[0]?.headers ?? [];
    expect(header(headers, 'host')).toBe('as1.test');
    expect(header(headers, 'x-useragent')).toBe(USER_AGENT);
    expect(header(headers, 'x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(egress.calls.every((call) => call.request.headers?.['x-useragent'] === USER_AGENT)).toBe(true);
  });

  it('are sealed once: who asks for the bytes again gets none, for counter and IV would come twice (SES-04)', async () => {
    let again: unknown;
    const { channel, peer } = await openChannel({
      before: async ({ request: { headers, body } }) => {
        if (headers?.['content-type'] !== 'application/octet-stream' || !body || !('chunks' in body)) return undefined;
        again = await errorOf(Array.fromAsync(body.chunks()));
        return undefined;
      },
    });
    await channel.request(GET);
    expect(again).toMatchObject({ code: 'INTERNAL' });
    expect(peer.seen.counters).toEqual([1n]);
  });

  it('go one after another however many wait', async () => {
    const { channel, peer } = await openChannel({ inner: ({ path }) => ({ status: 200, body: path }) });
    const paths = Array.from({ length: 20 }, (_, i) => `/n/${i}`);
    const answers = await Promise.all(paths.map((path) => channel.request({ ...GET, path })));
    expect(answers.map((answer) => Buffer.from(answer.body).toString())).toEqual(paths);
    expect(peer.seen.counters).toEqual(paths.map((_, i) => BigInt(i + 1)));
  });

  it('carry a streamed body of exactly the announced length', async () => {
    const { channel, peer } = await openChannel();
    const chunks = async function* () {
      yield new Uint8Array(70_000).fill(1);
      yield new Uint8Array(1).fill(2);
    };
    await channel.request({ method: 'POST', path: '/x', headers: [], body: { length: 70_001, chunks } });
    expect(peer.seen.inner[0]?.body.length).toBe(70_001);
  });

  it('give the whole body of an answer without Content-Length, as bytes', async () => {
    const body = new Uint8Array([0xff, 0x00, 0x80]);
    const { channel } = await openChannel({ inner: () => ({ status: 200, body, contentLength: false }) });
    expect(Uint8Array.from((await channel.request(GET)).body)).toEqual(body);
  });

  it('carry the PU byte of the environment', async () => {
    const { channel, egress } = await openChannel({ options: { pu: true } });
    await channel.request(GET);
    expect(egress.calls.at(-1)?.body[1]).toBe(1);
  });

  it.each([
    [true, true],
    [undefined, false],
  ])('hand out their keys only when asked for (%s)', async (nonPuTracing, sent) => {
    const { channel, egress } = await openChannel({ options: { nonPuTracing } });
    await channel.request(GET);
    expect('vau-nonpu-tracing' in (egress.calls.at(-1)?.request.headers ?? {})).toBe(sent);
  });

  it('carry VAU-NP once the login has given it', async () => {
    const { channel, egress } = await openChannel();
    channel.pseudonym = 'abcd';
    await channel.request(GET);
    expect(egress.calls.at(-1)?.request.headers?.['vau-np']).toBe('abcd');
  });
});

describe('an answer that is not the VAU’s own proves nothing and ends the channel', () => {
  const changed = (at: number, to: number) => (frame: Uint8Array) => {
    const copy = Uint8Array.from(frame);
    copy[at] = to;
    return { status: 200, headers: OCTETS, body: copy };
  };
  const cases: [title: string, check: string | undefined, data: Twist['data']][] = [
    ['version 1', 'vau.frame-version', changed(0, 1)],
    ['PU byte 1 outside PU', 'vau.frame-pu', changed(1, 1)],
    ['PU byte 2', 'vau.frame-pu', changed(1, 2)],
    ['a request in place of a response', 'vau.frame-type', changed(2, 1)],
    ['type 3', 'vau.frame-type', changed(2, 3)],
    ['the counter of another request', 'vau.frame-counter', changed(10, 9)],
    ['the KeyID of another channel', 'vau.frame-key-id', (frame) => changed(11, (frame[11] ?? 0) ^ 1)(frame)],
    ['71 bytes', 'vau.frame-length', (frame) => ({ status: 200, headers: OCTETS, body: frame.subarray(0, 71) })],
    ['no bytes', 'vau.frame-length', () => ({ status: 200, headers: OCTETS })],
    ['a truncated frame', 'vau.frame-aead', (frame) => ({ status: 200, headers: OCTETS, body: frame.subarray(0, -1) })],
    ['another IV', 'vau.frame-aead', (frame) => changed(43, ((frame[43] ?? 0) + 1) & 255)(frame)],
    ['garbage', 'vau.frame-version', () => ({ status: 200, headers: OCTETS, body: new Uint8Array(200).fill(9) })],
    [
      'a Restart of another channel',
      'vau.restart-key-id',
      () => ({ status: 200, headers: CBOR, body: encodeCbor({ MessageType: 'Restart', KeyID: new Uint8Array(32) }) }),
    ],
    [
      'a Restart of ours',
      undefined,
      (_, KeyID) => ({ status: 200, headers: CBOR, body: encodeCbor({ MessageType: 'Restart', KeyID }) }),
    ],
    ['error 8, unknown KeyID', undefined, () => ({ status: 403, headers: CBOR, body: vauError(8, 'unknow KeyID') })],
    [
      'error 0, internal',
      undefined,
      () => ({ status: 500, headers: CBOR, body: vauError(0, 'Internal Server Error') }),
    ],
    ['an error that is no CBOR', undefined, () => ({ status: 500, headers: CBOR, body: 'x' })],
  ];

  it.each(cases)('%s', async (_title, check, data) => {
    const { channel } = await openChannel({ twist: { data } });
    const error = await errorOf(channel.request(GET));
    expect(error.code).toBe('WRITE_UNANSWERED');
    expect(error.check).toBe(check);
    expect(error.cause).toMatchObject({ code: 'SESSION_LOST' });
    expect(channel.lost).toBe(true);
  });

  it.each([
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc',
    '{"ok":true}',
  ])('an inner message that is not one whole HTTP response: %j', async (raw) => {
    const { channel } = await openChannel({ inner: () => ({ status: 200, raw }) });
    expect(await refusalOf(channel.request(GET))).toBe('WRITE_UNANSWERED vau.frame-content');
  });

  it('a whole frame of ours under another status than 200', async () => {
    const { channel } = await openChannel({ twist: { data: (body) => ({ status: 500, headers: OCTETS, body }) } });
    const error = await errorOf(channel.request(GET));
    expect(error.code).toBe('WRITE_UNANSWERED');
    expect(error.cause).toMatchObject({ code: 'RECORD_SYSTEM_UNREACHABLE' });
  });

  it.each(['RESET', 'TIMEOUT', 'TOO_LARGE', 'PROTOCOL'] as const)('%s after the whole frame', async (code) => {
    const { channel } = await openChannel({ before: onData(() => failsWith(code)) });
    const error = await errorOf(channel.request(GET));
    expect(error.code).toBe('WRITE_UNANSWERED');
    expect(channel.lost).toBe(true);
  });
});

describe('what surely was not processed is thrown as it is', () => {
  it('no byte left: the connection failed', async () => {
    const { channel } = await openChannel({ before: onData(() => failsWith('UNREACHABLE', false)) });
    expect((await errorOf(channel.request(GET))).code).toBe('RECORD_SYSTEM_UNREACHABLE');
  });

  it('no byte left: who waited behind it is told so at once, and the next one tries again', async () => {
    let tries = 0;
    const { channel, egress } = await openChannel();
    egress.request = async () => {
      tries += 1;
      return failsWith('TIMEOUT', false);
    };
    const all = await Promise.allSettled([channel.request(GET), channel.request(GET), channel.request(GET)]);
    expect(all.map((one) => (one.status === 'rejected' ? one.reason.code : 'answered'))).toEqual(
      Array(3).fill('RECORD_SYSTEM_UNREACHABLE'),
    );
    expect([tries, channel.lost]).toEqual([1, false]);
    await errorOf(channel.request(GET));
    expect(tries).toBe(2);
  });

  it('the hook refused: nothing left, the channel goes on with its next counter', async () => {
    const { channel, peer } = await openChannel();
    const refuse = () => {
      throw new GatewayError('STATE_CONFLICT', 'another writer has the lease');
    };
    expect(await refusalOf(channel.request({ ...GET, beforeFirstByte: refuse }))).toBe('STATE_CONFLICT');
    expect(channel.lost).toBe(false);
    await channel.request(GET);
    expect(peer.seen.counters).toEqual([1n]);
  });

  const broken: [title: string, chunks: () => AsyncGenerator<Uint8Array>][] = [
    [
      'a stored chunk is broken',
      async function* () {
        yield new Uint8Array(5);
        throw new GatewayError('STORE_BROKEN', 'chunk 1');
      },
    ],
    [
      'the content is shorter than announced',
      async function* () {
        yield new Uint8Array(5);
      },
    ],
    [
      'the content is longer than announced',
      async function* () {
        yield new Uint8Array(11);
      },
    ],
  ];
  it.each(broken)('%s: the frame ends without its tag (D8)', async (_title, chunks) => {
    const { channel, peer } = await openChannel();
    const act = channel.request({ method: 'POST', path: '/x', headers: [], body: { length: 10, chunks } });
    expect(await refusalOf(act)).toBe('STORE_BROKEN');
    expect(peer.seen.inner).toEqual([]);
    expect(channel.lost).toBe(true);
  });

  it.each([
    [413, 'DOCUMENT_REJECTED'],
    [429, 'RECORD_BUSY'],
    [503, 'RECORD_SYSTEM_UNREACHABLE'],
  ])('an answer %i before the document had its tag', async (status, code) => {
    const { channel, egress } = await openChannel();
    let marked = 0;
    const chunks = async function* () {
      yield new Uint8Array(10);
    };
    egress.request = async (_purpose, { body, onFirstByte }) => {
      await onFirstByte?.();
      if (body === undefined || body instanceof Uint8Array) throw new Error('no stream');
      await body.chunks()[Symbol.asyncIterator]().next();
      return { status, headers: { 'content-type': 'text/html' }, body: new Uint8Array() };
    };
    const error = await errorOf(
      channel.request({
        ...GET,
        body: { length: 10, chunks },
        beforeFirstByte: () => {
          marked += 1;
        },
      }),
    );
    expect([error.code, error.foreign?.status, marked, channel.lost]).toEqual([code, status, 1, false]);
  });

  it('requests still waiting on a channel that is lost', async () => {
    const { channel, peer } = await openChannel({
      twist: { data: () => ({ status: 403, headers: CBOR, body: vauError(9, 'unknown CID') }) },
    });
    const all = await Promise.allSettled([channel.request(GET), channel.request(GET), channel.request(GET)]);
    expect(all.map((one) => (one.status === 'rejected' ? one.reason.code : 'answered'))).toEqual([
      'WRITE_UNANSWERED',
      'SESSION_LOST',
      'SESSION_LOST',
    ]);
    expect(peer.seen.inner.length).toBe(1);
  });

  it('a request whose head cannot be written does not hold up the next', async () => {
    const { channel } = await openChannel();
    await expect(channel.request({ ...GET, headers: [['x', 'a\r\nb']] })).rejects.toThrow();
    await expect(channel.request(GET)).resolves.toMatchObject({ status: 200 });
  });
});
