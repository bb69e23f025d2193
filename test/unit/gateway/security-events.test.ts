// Security events (SEC-11): what is one, what is none, and that each failure is told once however many met it.
import { expect, test } from 'vitest';
import type { Connected } from '../../../gateway/egress.ts';
import { type ErrorCode, GatewayError } from '../../../gateway/errors.ts';
import type { AuditRefusals } from '../../../gateway/exports/audit-refusals.ts';
import { type LogFields, silentLogger } from '../../../gateway/log.ts';
import { createMetrics } from '../../../gateway/metrics.ts';
import { createSecurityEvents } from '../../../gateway/security-events.ts';

function bench() {
  const lines: [string, LogFields | undefined][] = [];
  const audited: Parameters<AuditRefusals['untrusted']>[0][] = [];
  const metrics = createMetrics();
  const log = {
    ...silentLogger,
    warn: (event: string, fields?: LogFields) => void lines.push([event, fields]),
    debug: (event: string, fields?: LogFields) => void lines.push([event, fields]),
  };
  const events = createSecurityEvents({ log, metrics, refusals: { untrusted: (event) => void audited.push(event) } });
  const counted = async () =>
    (await metrics.text()).body.split('\n').filter((line) => line.startsWith('epa_security_events_total{'));
  return { events, lines, audited, counted };
}

const failure = (code: ErrorCode, check?: string, cause?: unknown) =>
  new GatewayError(code, 'test', { ...(check !== undefined && { check }), ...(cause !== undefined && { cause }) });
const tcp = { host: 'as1.example:443', ms: 7 };

test('a failed check is a line, a count and an entry of the audit trail (SEC-11)', async () => {
  const { events, lines, audited, counted } = bench();
  events.met(failure('VAU_SERVER_UNTRUSTED', 'vau.role'), { recordSystem: 'epa-as-1', diga: 'demo' });
  const told = { code: 'VAU_SERVER_UNTRUSTED', check: 'vau.role', recordSystem: 'epa-as-1', diga: 'demo' };
  expect(lines).toEqual([['security event', told]]);
  expect(audited).toEqual([told]);
  expect(await counted()).toEqual(['epa_security_events_total{code="VAU_SERVER_UNTRUSTED",check="vau.role"} 1']);
});

test.each<[ErrorCode, string | undefined]>([
  ['VAU_SERVER_UNTRUSTED', 'vau.cert-hash'],
  ['VAU_HANDSHAKE_FAILED', 'vau.m2-vau-aead'],
  ['SESSION_LOST', 'vau.frame-counter'],
  ['SESSION_LOST', 'vau.restart-key-id'],
  ['IDP_UNTRUSTED', 'idp.challenge-signature'],
  ['RECORD_LOGIN_REFUSED', 'session.telematik-id'],
  ['SMCB_UNTRUSTED', 'smcb.chain'],
  ['SMCB_WRONG_ROLE', undefined],
  ['CERTIFICATE_EXPIRED', 'smcb.validity'],
  ['KONNEKTOR_ANSWER_INVALID', 'smcb.signature'],
])('%s by %s is one', (code, check) => {
  const { events, audited } = bench();
  events.met(failure(code, check), {});
  expect(audited).toEqual([{ code, check: check ?? 'none' }]);
});

test.each<[string, unknown]>([
  ['an error that the VAU told', failure('VAU_HANDSHAKE_FAILED', 'vau.status')],
  ['an answer that lacks something', failure('RECORD_BUSY', 'login.nonce')],
  ['an answer that broke off', failure('RECORD_SYSTEM_UNREACHABLE', 'egress.reset')],
  ['a refusal', failure('IDP_REFUSED')],
  ['a PIN that is not verified', failure('SMCB_PIN_NOT_VERIFIED')],
  ['an error of our own', new Error('test')],
  ['what is no error', 'vau.role'],
  // The connection has told it already.
  [
    'a certificate that TLS refused, as the export meets it',
    failure('RECORD_SYSTEM_TLS_UNTRUSTED', 'egress.tls_untrusted'),
  ],
  ['an address outside the allow-list, as the login meets it', failure('IDP_UNTRUSTED', 'egress.not_allowed')],
])('%s is none', async (_name, thrown) => {
  const { events, lines, audited, counted } = bench();
  events.met(thrown, { recordSystem: 'epa-as-1' });
  expect([lines, audited, await counted()]).toEqual([[], [], []]);
});

test('a failure that many waited for, or that travels on as a cause, is told once and by its own name', () => {
  const { events, audited } = bench();
  const frame = failure('SESSION_LOST', 'vau.frame-aead');
  events.met(frame, { recordSystem: 'epa-as-1' });
  events.met(frame, { recordSystem: 'epa-as-1', diga: 'demo' });
  events.met(failure('WRITE_UNANSWERED', 'vau.frame-aead', frame), { recordSystem: 'epa-as-1' });
  expect(audited).toEqual([{ code: 'SESSION_LOST', check: 'vau.frame-aead', recordSystem: 'epa-as-1' }]);
  const inner = failure('SESSION_LOST', 'vau.frame-pu');
  events.met(failure('WRITE_UNANSWERED', 'vau.frame-pu', inner), {});
  events.met(inner, {});
  expect(audited.slice(1)).toEqual([{ code: 'SESSION_LOST', check: 'vau.frame-pu' }]);
});

test('an error that names itself as its cause ends', () => {
  const { events, audited } = bench();
  const circle = failure('IDP_UNTRUSTED', 'idp.issuer');
  circle.cause = circle;
  events.met(circle, {});
  expect(audited).toHaveLength(1);
});

test.each<[Connected['purpose'], Connected['code'], string]>([
  ['record-system', 'TLS_UNTRUSTED', 'RECORD_SYSTEM_TLS_UNTRUSTED egress.tls_untrusted'],
  ['konnektor', 'TLS_UNTRUSTED', 'KONNEKTOR_TLS_UNTRUSTED egress.tls_untrusted'],
  ['record-system', 'PIN_MISMATCH', 'RECORD_SYSTEM_TLS_UNTRUSTED egress.pin_mismatch'],
  ['konnektor', 'KEY_WEAK', 'KONNEKTOR_TLS_UNTRUSTED egress.key_weak'],
  ['idp', 'NOT_ALLOWED', 'IDP_UNTRUSTED egress.not_allowed'],
  ['webhook', 'TLS_UNTRUSTED', 'WEBHOOK_TLS_UNTRUSTED egress.tls_untrusted'],
  ['token-keys', 'TLS_UNTRUSTED', 'TOKEN_KEYS_UNREACHABLE egress.tls_untrusted'],
  ['record-system', 'RESET', 'RECORD_SYSTEM_UNREACHABLE egress.handshake'],
  ['konnektor', 'RESET', 'KONNEKTOR_UNREACHABLE egress.handshake'],
])('a connection for %s that ends with %s is one', (purpose, code, told) => {
  const { events, audited } = bench();
  events.connected({ purpose, code, ...tcp });
  expect(audited.map((event) => `${event.code} ${event.check}`)).toEqual([told]);
  expect(audited[0]?.address).toBe(tcp.host);
});

test.each<Connected['code']>([null, 'UNREACHABLE', 'TIMEOUT'])(
  'a connection that ends with %s is a line only',
  (code) => {
    const { events, lines, audited } = bench();
    events.connected({ purpose: 'idp', code, ...tcp });
    expect(lines).toEqual([['connection', { name: 'idp', address: tcp.host, ms: 7, ...(code !== null && { code }) }]]);
    expect(audited).toEqual([]);
  },
);
