// Answers outside the frame (epa-record-system.md 1.7): what each means, and that a page of a proxy costs no session.
import { beforeAll, describe, expect, it } from 'vitest';
import { endsChannel, outerRefusal, type VauPhase } from '../../../../gateway/record-system/outer-answer.ts';
import type { InnerRequest } from '../../../../gateway/record-system/vau-channel.ts';
import { encodeCbor } from '../../../../wire/cbor.ts';
import { createPki, errorOf, type Pki, type Route, refusalOf } from './peers.ts';
import { type Opening, openVauChannel, vauError } from './vau-peer.ts';

let pki: Pki;
beforeAll(() => {
  pki = createPki();
});

const CBOR = { 'content-type': 'application/cbor' };
const GET: InnerRequest = { method: 'GET', path: '/VAU-Status', headers: [] };

const openChannel = (o?: Opening) => openVauChannel(pki, o);

const isData = (request: Parameters<Route>[0]['request']): boolean =>
  request.headers?.['content-type'] === 'application/octet-stream';

describe('what the VAU itself says in CBOR', () => {
  const said = (phase: VauPhase, status: number, body: Uint8Array | string) => {
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
    const error = outerRefusal(phase, { status, headers: CBOR, body: bytes }, (keyId) => keyId[0] === 1);
    return [error.code, error.check, error.foreign?.code, endsChannel(error)];
  };

  it.each([0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 4_000_000])(
    'error %i ends the channel, or fails the handshake',
    (code) => {
      expect(said('document', 403, vauError(code, 'x'))).toEqual(['SESSION_LOST', undefined, `VAU ${code}`, true]);
      expect(said('call', 500, vauError(code, 'x'))).toEqual(['SESSION_LOST', undefined, `VAU ${code}`, true]);
      expect(said('handshake', 400, vauError(code, 'x'))).toEqual([
        'VAU_HANDSHAKE_FAILED',
        'vau.status',
        `VAU ${code}`,
        true,
      ]);
    },
  );

  it.each(['handshake', 'call', 'document'] as const)('error 4 is for the operator, at a %s', (phase) => {
    expect(said(phase, 403, vauError(4, 'PU/nonPU Failure'))).toEqual(['CONFIG_INVALID', 'vau.pu', 'VAU 4', true]);
  });

  it('a Restart counts with our KeyID only', () => {
    const restart = (first: number, length = 32) =>
      encodeCbor({ MessageType: 'Restart', KeyID: new Uint8Array(length).fill(first) });
    expect(said('document', 200, restart(1))).toEqual(['SESSION_LOST', undefined, 'Restart', true]);
    expect(said('document', 200, restart(2))).toEqual(['SESSION_LOST', 'vau.restart-key-id', 'Restart', true]);
    expect(said('document', 200, restart(1, 31))).toEqual(['SESSION_LOST', 'vau.restart-key-id', 'Restart', true]);
    expect(said('handshake', 200, restart(1))).toEqual(['VAU_HANDSHAKE_FAILED', 'vau.status', 'Restart', true]);
  });

  it.each(['', 'x', '\u00ff', '{"errorCode":"x"}'])('what cannot be read (%j) ends it all the same', (body) => {
    expect(said('document', 500, body)).toEqual(['SESSION_LOST', undefined, undefined, true]);
  });
});

describe('an answer of what stands before the VAU', () => {
  const HTML = { 'content-type': 'text/html' };
  const cases: [status: number, headers: Record<string, string>, code: string, check?: string][] = [
    [200, HTML, 'RECORD_SYSTEM_UNREACHABLE'],
    [302, { ...HTML, location: '/login' }, 'RECORD_SYSTEM_UNREACHABLE', 'egress.redirect'],
    [400, { 'content-type': 'application/json' }, 'RECORD_SYSTEM_UNREACHABLE'],
    [413, HTML, 'RECORD_SYSTEM_UNREACHABLE'],
    [429, HTML, 'RECORD_BUSY'],
    [429, CBOR, 'RECORD_BUSY'],
    [502, HTML, 'RECORD_SYSTEM_UNREACHABLE'],
    [503, { ...HTML, 'retry-after': '30' }, 'RECORD_BUSY'],
  ];
  it.each(cases)('%i %j proves nothing, and the session behind it goes on', async (status, headers, code, check) => {
    let ill = true;
    const { channel, peer } = await openChannel({
      before: ({ request }) => (ill && isData(request) ? { status, headers } : undefined),
    });
    const error = await errorOf(channel.request({ ...GET, path: '/x' }));
    expect([error.code, error.check, error.foreign?.status]).toEqual(['WRITE_UNANSWERED', check, status]);
    expect(error.cause).toMatchObject({ code });
    // Whoever comes next is not risked: the status call in front of it meets the same, and nothing of it leaves.
    let left = 0;
    const beforeFirstByte = () => {
      left += 1;
    };
    const next = { ...GET, path: '/y', beforeFirstByte };
    expect([(await errorOf(channel.request(next))).code, left]).toEqual([code, 0]);
    ill = false;
    expect((await channel.request(next)).status).toBe(200);
    await channel.request({ ...GET, path: '/z' });
    expect([left, channel.lost]).toEqual([1, false]);
    expect(peer.seen.inner.map((request) => request.path)).toEqual(['/VAU-Status', '/y', '/z']);
  });

  it.each([403, 404, 410])('%i again, to a question that changes nothing, ends the channel', async (status) => {
    // A router that does not know the VAU-CID any more says it in its own way, and would say it for ever.
    const { channel } = await openChannel({
      before: ({ request }) =>
        isData(request) ? { status, headers: { 'content-type': 'application/json' } } : undefined,
    });
    const first = await errorOf(channel.request(GET));
    expect([first.code, channel.lost]).toEqual(['WRITE_UNANSWERED', false]);
    const beforeFirstByte = () => expect.unreachable('a document is not risked');
    const second = await errorOf(channel.request({ ...GET, beforeFirstByte }));
    expect([second.code, second.foreign?.status, channel.lost]).toEqual(['SESSION_LOST', status, true]);
  });

  it('is not survived by a channel that the VAU has forgotten meanwhile', async () => {
    let ill = true;
    const { channel, peer } = await openChannel({
      before: ({ request }) => (ill && isData(request) ? { status: 502, headers: HTML } : undefined),
    });
    await errorOf(channel.request(GET));
    ill = false;
    peer.forgetAll();
    const beforeFirstByte = () => expect.unreachable('a document is not risked');
    expect(await refusalOf(channel.request({ ...GET, beforeFirstByte }))).toBe('SESSION_LOST');
    expect(channel.lost).toBe(true);
  });
});

describe('Retry-After', () => {
  it.each([
    [429, '30', 30],
    [503, '1', 1],
    [429, '86400', 86_400],
    [429, '86401', undefined],
    [429, '0', undefined],
    [429, '-5', undefined],
    [429, '1.5', undefined],
    [503, 'Wed, 21 Oct 2026 07:28:00 GMT', undefined],
    [429, '', undefined],
  ])('of a %i that says %j is %s seconds', (status, said, seconds) => {
    const error = outerRefusal('call', { status, headers: { 'retry-after': said }, body: new Uint8Array() });
    expect([error.code, error.retryAfterSeconds]).toEqual(['RECORD_BUSY', seconds]);
  });

  it('of anything else is nobody’s wait', () => {
    const error = outerRefusal('call', { status: 502, headers: { 'retry-after': '30' }, body: new Uint8Array() });
    expect([error.code, error.retryAfterSeconds]).toEqual(['RECORD_SYSTEM_UNREACHABLE', undefined]);
  });
});
