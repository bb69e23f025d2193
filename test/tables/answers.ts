// Every place where a record system answers × every answer it may give there (issue 6, "every answer understood"): what the
// export then says. Written from epa-record-system.md 1.7, 2.1, 2.5, 3.1 and export-flow.md 5.7, not from the code. A row that
// is missing does not compile; that every answer of the reference has a row is checked by test/answers*.test.ts.
import { VAU_ERRORS } from '../../connector-sim/vau/vau-errors.ts';
import type { ErrorCode } from '../../gateway/errors.ts';

/** How the simulator gives it, and what of it the export must keep in `reason.foreign`. */
export type Answer = {
  kind: string;
  params?: Record<string, unknown>;
  foreign?: { status?: number; code?: string; text?: string };
};
/** `plain`: the answer is not kept, because the reason speaks of something else. Null: the export goes on. */
/** `retry`: seconds, where the answer itself says when to come again. */
export type Means = { code: ErrorCode; check?: string; plain?: true; retry?: number } | null;

/** What a code does to an export, stated once more beside the catalogue; seconds to the next try by itself. */
export const EFFECTS: Partial<Record<ErrorCode, readonly [kind: string, status: string, retry: number | null]>> = {
  RECORD_NOT_FOUND: ['refused', 'refused', null],
  RECORD_SUSPENDED: ['transient', 'waiting', 86_400],
  RECORD_NOT_ENTITLED: ['insured', 'waiting', 86_400],
  RECORD_BUSY: ['transient', 'queued', 600],
  RECORD_SYSTEM_UNREACHABLE: ['transient', 'queued', 2],
  RECORD_LOGIN_REFUSED: ['operator', 'waiting', 15],
  SESSION_LOST: ['transient', 'queued', 2],
  VAU_HANDSHAKE_FAILED: ['transient', 'queued', 2],
  SMCB_WRONG_ROLE: ['operator', 'waiting', 15],
  CONFIG_INVALID: ['operator', 'waiting', 15],
  WRITE_UNANSWERED: ['unclear', 'unclear', 2],
  DOCUMENT_REJECTED: ['refused', 'refused', null],
  DOCUMENT_DUPLICATE: ['refused', 'refused', null],
  TARGET_GONE: ['refused', 'refused', null],
  TARGET_STALE: ['operator', 'waiting', null],
  INTERNAL: ['bug', 'failed', null],
};

const means = (code: ErrorCode) => (check?: string, plain?: true) => ({
  code,
  ...(check !== undefined && { check }),
  ...(plain && { plain }),
});
const busy = means('RECORD_BUSY');
const away = means('RECORD_SYSTEM_UNREACHABLE');
const lost = means('SESSION_LOST');
const handshake = means('VAU_HANDSHAKE_FAILED');
const settings = means('CONFIG_INVALID');
const refused = means('RECORD_LOGIN_REFUSED');
const unclear = means('WRITE_UNANSWERED');

export const http = (status: number, type: string, body: string, headers: Record<string, string> = {}): Answer => ({
  kind: 'http-status',
  params: { status, type, body, headers },
  foreign: { status },
});
export const json = (status: number, code: string, headers: Record<string, string> = {}): Answer => ({
  ...http(status, 'application/json', JSON.stringify({ errorCode: code, errorDetail: `about ${code}` }), headers),
  foreign: { status, code, text: `about ${code}` },
});
const page = (status: number, headers: Record<string, string> = {}) =>
  http(status, 'text/html', '<html><body>a page</body></html>', headers);
const empty = (status: number, headers: Record<string, string> = {}) => http(status, 'text/plain', '', headers);
const onWire = (kind: string): Answer => ({ kind });
const vau = (code: number): Answer => ({
  kind: 'cbor-error',
  params: { code },
  foreign: { status: VAU_ERRORS[code]?.[0], code: `VAU ${code}`, text: VAU_ERRORS[code]?.[1] },
});
const RETRY = { 'Retry-After': '30' };
const ELSEWHERE = { Location: 'https://127.0.0.1/elsewhere' };

// ---- outside the frame: nothing is authenticated (1.7)

export const OUTER_ANSWERS = {
  'VAU 0': vau(0),
  'VAU 1': vau(1),
  'VAU 2': vau(2),
  'VAU 3': vau(3),
  'VAU 4': vau(4),
  'VAU 5': vau(5),
  'VAU 6': vau(6),
  'VAU 7': vau(7),
  'VAU 8': vau(8),
  'VAU 9': vau(9),
  'VAU 10': vau(10),
  'Restart of this channel': { kind: 'restart', foreign: { status: 200, code: 'Restart' } },
  'Restart of another': { kind: 'restart', params: { what: 'foreign' }, foreign: { status: 200, code: 'Restart' } },
  'broken CBOR with 200': http(200, 'application/cbor', 'a'),
  'broken CBOR with 500': http(500, 'application/cbor', 'a'),
  'JSON 400': json(400, 'malformedRequest'),
  'JSON 401': json(401, 'unauthorized'),
  'JSON 403': json(403, 'forbidden'),
  'JSON 404': json(404, 'noResource'),
  'JSON 413': json(413, 'tooLarge'),
  'JSON 500': json(500, 'internalError'),
  'JSON 503': json(503, 'unavailable'),
  'JSON 503 with Retry-After': json(503, 'unavailable', RETRY),
  'HTML 200': page(200),
  'HTML 302': page(302, ELSEWHERE),
  'HTML 404': page(404),
  'HTML 413': page(413),
  'HTML 429': page(429),
  'HTML 502': page(502),
  'HTML 503 with Retry-After': page(503, RETRY),
  'nothing with 200': empty(200),
  'nothing with 429': empty(429, RETRY),
  'nothing with 500': empty(500),
  'end of the connection': onWire('drop-response'),
  'reset of the connection': onWire('reset'),
  truncated: onWire('truncate'),
  'no HTTP': onWire('garbage'),
} as const satisfies Record<string, Answer>;
export type OuterAnswer = keyof typeof OUTER_ANSWERS;

/** Answers to M1, to M3, to the first frame of the login, and to the frame of the document. */
export const OUTER_PLACES = ['M1', 'M3', 'data', 'data of ITI-41'] as const;

const handshakeOver = handshake('vau.status');
/** Our own message was bad, or theirs; the document may have been stored before that was said. */
const channelOver = [handshakeOver, handshakeOver, lost(), unclear()] as const;
/** Something in front of the VAU speaks: it says nothing about the channel. */
const infrastructure = [away(), away(), away(), unclear()] as const;
const toWait = [busy(), busy(), busy(), unclear()] as const;
const askedFor = { ...busy(), retry: Number(RETRY['Retry-After']) };
const toWaitAsAsked = [askedFor, askedFor, askedFor, unclear()] as const;
/** With 200 and CBOR it is read as the message that must come, and is not that one. */
const [noM2, noM4] = [handshake('vau.cid', true), handshake('vau.m4-vau-message', true)];
const wire = (check: string) => [away(check), away(check), away(check), unclear(check)] as const;

export const OUTER: Record<OuterAnswer, readonly [m1: Means, m3: Means, data: Means, document: Means]> = {
  'VAU 0': channelOver,
  'VAU 1': channelOver,
  'VAU 2': channelOver,
  'VAU 3': channelOver,
  'VAU 4': [settings('vau.pu'), settings('vau.pu'), settings('vau.pu'), unclear('vau.pu')],
  'VAU 5': channelOver,
  'VAU 6': channelOver,
  'VAU 7': channelOver,
  'VAU 8': channelOver,
  'VAU 9': channelOver,
  'VAU 10': channelOver,
  // In a handshake there is no channel that a Restart could speak of: it is no M2, no M4.
  'Restart of this channel': [noM2, noM4, lost(), unclear()],
  'Restart of another': [noM2, noM4, lost('vau.restart-key-id'), unclear('vau.restart-key-id')],
  'broken CBOR with 200': [noM2, handshake('vau.m4-cbor-invalid', true), lost(), unclear()],
  'broken CBOR with 500': channelOver,
  'JSON 400': infrastructure,
  'JSON 401': infrastructure,
  'JSON 403': infrastructure,
  'JSON 404': infrastructure,
  // Whoever says so: the frame was whole, so a VAU may have opened it.
  'JSON 413': infrastructure,
  'JSON 500': infrastructure,
  'JSON 503': infrastructure,
  'JSON 503 with Retry-After': toWaitAsAsked,
  'HTML 200': [handshakeOver, handshakeOver, away(), unclear()],
  'HTML 302': [away('egress.redirect'), away('egress.redirect'), away('egress.redirect'), unclear('egress.redirect')],
  'HTML 404': infrastructure,
  'HTML 413': infrastructure,
  'HTML 429': toWait,
  'HTML 502': infrastructure,
  'HTML 503 with Retry-After': toWaitAsAsked,
  'nothing with 200': [handshakeOver, handshakeOver, away(), unclear()],
  'nothing with 429': toWaitAsAsked,
  'nothing with 500': infrastructure,
  'end of the connection': wire('egress.reset'),
  'reset of the connection': wire('egress.reset'),
  truncated: wire('egress.reset'),
  'no HTTP': wire('egress.protocol'),
};

// ---- where the record is (3.1): believed only with the errorCode of the interface

export const STATUS_ANSWERS = {
  '204': { kind: 'http-status', params: { status: 204, body: '' } },
  '200 of an older release': empty(200),
  '302': page(302, ELSEWHERE),
  '400 malformedRequest': json(400, 'malformedRequest'),
  'HTML 400': page(400),
  'JSON 401': json(401, 'unauthorized'),
  'HTML 403': page(403),
  '404 noHealthRecord': json(404, 'noHealthRecord'),
  '404 of another code': json(404, 'noResource'),
  'HTML 404': page(404),
  '409 statusMismatch': json(409, 'statusMismatch'),
  '409 of a maintenance': {
    ...http(409, 'application/json', '{"errorCode":"statusMismatch","errorDetail":"state INACCESSIBLE"}'),
    foreign: { status: 409, code: 'statusMismatch', text: 'state INACCESSIBLE' },
  },
  'HTML 409': page(409),
  'HTML 429': page(429, RETRY),
  '500 internalError': json(500, 'internalError'),
  'HTML 502': page(502),
  'HTML 503 with Retry-After': page(503, RETRY),
  'end of the connection': onWire('drop-response'),
  'reset of the connection': onWire('reset'),
  'no HTTP': onWire('garbage'),
} as const satisfies Record<string, Answer>;

export const STATUS: Record<keyof typeof STATUS_ANSWERS, Means> = {
  '204': null,
  '200 of an older release': busy(),
  '302': busy(),
  // Our own header would be wrong, and the KVNR was checked before.
  '400 malformedRequest': means('INTERNAL')(),
  'HTML 400': busy(),
  'JSON 401': busy(),
  'HTML 403': busy(),
  // Nobody knows the person: no single answer is the reason.
  '404 noHealthRecord': means('RECORD_NOT_FOUND')(undefined, true),
  '404 of another code': busy(),
  'HTML 404': busy(),
  '409 statusMismatch': means('RECORD_SUSPENDED')(),
  '409 of a maintenance': busy(),
  'HTML 409': busy(),
  'HTML 429': busy(),
  '500 internalError': busy(),
  'HTML 502': busy(),
  'HTML 503 with Retry-After': busy(),
  'end of the connection': away('egress.reset'),
  'reset of the connection': away('egress.reset'),
  'no HTTP': away('egress.protocol'),
};

// ---- the login, inside the frame (2.1, 2.5)

export const LOGIN_ANSWERS = {
  'nothing with 200': empty(200),
  'HTML 200': page(200),
  'JSON of something else with 200': http(200, 'application/json', '{"something":"else"}'),
  'a list with 200': http(200, 'application/json', '[]'),
  'nothing with 204': { kind: 'http-status', params: { status: 204, body: '' }, foreign: { status: 204 } },
  '302 without Location': empty(302),
  '400 malformedRequest': json(400, 'malformedRequest'),
  'nothing with 401': empty(401),
  '403 invalAuth': json(403, 'invalAuth'),
  '403 invalidOid': json(403, 'invalidOid'),
  'HTML 403': page(403),
  'HTML 404': page(404),
  '409 statusMismatch': json(409, 'statusMismatch'),
  'HTML 409': page(409),
  'HTML 429': page(429),
  '500 internalError': json(500, 'internalError'),
  'HTML 502': page(502),
  'HTML 503 with Retry-After': page(503, RETRY),
} as const satisfies Record<string, Answer>;

export const LOGIN_PLACES = ['VAU-Status', 'getNonce', 'send_authorization_request_sc', 'send_authcode_sc'] as const;

/** What an answer lacks that is not what the interface says. */
const LACKS = ['login.vau-status', 'login.nonce', 'login.location', 'login.authcode'] as const;
const [noUser, noNonce, noLocation, noSession] = LACKS;
const says = [refused(), refused(), refused(), refused()] as const;
const failing = [busy(), busy(), busy(), busy()] as const;
/** The second answers with a redirect where it does what was asked: any 200 is a refusal. */
const unreadable = [busy(noUser, true), busy(noNonce, true), refused(), busy(noSession, true)] as const;

export const LOGIN: Record<keyof typeof LOGIN_ANSWERS, readonly [Means, Means, Means, Means]> = {
  'nothing with 200': unreadable,
  'HTML 200': unreadable,
  // Only VAU-NP and actorId are read at the end, and neither must be there; who is signed on says VAU-Status: nobody.
  'JSON of something else with 200': [
    busy(noUser, true),
    busy(noNonce, true),
    refused(),
    means('RECORD_LOGIN_REFUSED')('session.telematik-id', true),
  ],
  'a list with 200': unreadable,
  'nothing with 204': says,
  '302 without Location': [refused(), refused(), busy(noLocation, true), refused()],
  '400 malformedRequest': says,
  'nothing with 401': says,
  '403 invalAuth': says,
  '403 invalidOid': says,
  'HTML 403': says,
  'HTML 404': says,
  '409 statusMismatch': says,
  'HTML 409': says,
  'HTML 429': failing,
  '500 internalError': failing,
  'HTML 502': failing,
  'HTML 503 with Retry-After': failing,
};
