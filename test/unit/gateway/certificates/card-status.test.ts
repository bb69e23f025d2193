// The status of a card's certificate (CRT-04): what counts and how long, what stops the card, what leaves it in use for a while, and
// that neither a restart nor a forged answer changes that.
import { beforeEach, describe, expect, test } from 'vitest';
import { mintCa, mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import { createOcspResponse } from '../../../../certs/ocsp.ts';
import type { TrustAnchors } from '../../../../certs/trust.ts';
import { createCardStatus } from '../../../../gateway/certificates/card-status.ts';
import { answersInMemory, type KeptAnswers } from '../../../../gateway/certificates/kept-answers.ts';
import { GatewayError } from '../../../../gateway/errors.ts';
import { silentLogger } from '../../../../gateway/log.ts';
import { standingClock } from '../../../support/gateway-fakes.ts';

const HOUR = 3_600_000;
const start = Date.parse('2026-12-01T10:00:00Z');
const life = { notBefore: new Date(start - 1000 * HOUR), notAfter: new Date(start + 40_000 * HOUR) };
const root = mintRoot('Root', life);
const ca = mintCa(root, 'CA', life);
const card = mintLeaf(ca, { commonName: 'card', ...life });
const other = mintLeaf(ca, { commonName: 'other', ...life });
const signer = mintLeaf(ca, { commonName: 'OCSP', ...life, extendedKeyUsage: ['OCSPSigning'] });
const strangers = mintLeaf(ca, { commonName: 'no responder', ...life });
const anchors: TrustAnchors = { roots: [root.certificate], intermediates: [ca.certificate], ocspSigners: [] };

type Answering = () => Partial<Parameters<typeof createOcspResponse>[0]> | 'unreachable';
let clock: ReturnType<typeof standingClock>;
let kept: KeptAnswers;
let asked: number;
beforeEach(() => {
  clock = standingClock(start);
  kept = answersInMemory();
  asked = 0;
});
function bench(answering: Answering, ocsp: { cacheHours?: number; graceHours?: number } = {}) {
  const failed: (string | undefined)[] = [];
  const blocked: string[] = [];
  const status = createCardStatus({
    ocsp: { url: 'http://ocsp.example', cacheHours: 12, graceHours: 72, ...ocsp },
    ask: async () => {
      asked += 1;
      const change = answering();
      if (change === 'unreachable') throw new GatewayError('OCSP_UNREACHABLE', 'away');
      const at = new Date(clock.now());
      return createOcspResponse({
        ...{ certificate: card.certificate, issuer: ca.certificate, status: 'good', producedAt: at, signer },
        ...change,
      });
    },
    anchors: () => anchors,
    kept,
    now: clock.now,
    log: silentLogger,
    failed: (thrown) => void failed.push(thrown instanceof GatewayError ? thrown.check : 'other'),
  });
  status.onBlocked((certificate, code) =>
    blocked.push(`${certificate.serialNumber === card.certificate.serialNumber ? 'card' : 'other'} ${code}`),
  );
  const verdict = () =>
    status.require(card.certificate).then(
      () => 'usable',
      (thrown: GatewayError) => thrown.code,
    );
  return { status, verdict, failed, blocked };
}

describe('an answer that is good', () => {
  test('counts for cacheHours where it names no end, and is asked once', async () => {
    const { verdict } = bench(() => ({}));
    for (let n = 0; n < 3; n++) expect(await verdict()).toBe('usable');
    clock.advance(12 * HOUR - 1);
    expect(await verdict()).toBe('usable');
    expect(asked).toBe(1);
    clock.advance(1);
    expect(await verdict()).toBe('usable');
    expect(asked).toBe(2);
  });
  test('counts until its nextUpdate', async () => {
    const { verdict } = bench(() => ({ nextUpdate: new Date(clock.now() + 2 * HOUR) }));
    await verdict();
    clock.advance(2 * HOUR - 1000);
    await verdict();
    expect(asked).toBe(1);
    clock.advance(2000);
    await verdict();
    expect(asked).toBe(2);
  });
  test('is asked once however many wait, and after a restart not at all', async () => {
    const first = bench(() => ({}));
    await Promise.all([first.verdict(), first.verdict(), first.verdict()]);
    expect(await bench(() => ({})).verdict()).toBe('usable');
    expect(asked).toBe(1);
  });
});

describe('a card that is stopped (CRT-04)', () => {
  test.each([
    ['revoked', 'CERTIFICATE_REVOKED'],
    ['unknown', 'CERTIFICATE_NOT_RELEASED'],
  ] as const)('%s: at once, with its alarm, also when it was good and without asking', async (how, code) => {
    let now: 'good' | typeof how = 'good';
    const { verdict, status, blocked } = bench(() => ({ status: now }));
    expect(await verdict()).toBe('usable');
    now = how;
    clock.advance(12 * HOUR);
    await status.refresh([card.certificate]);
    expect(blocked).toEqual([`card ${code}`]);
    expect(status.blocked(card.certificate)).toBe(true);
    expect(await verdict()).toBe(code);
    expect(status.sight(card.certificate)?.status).toBe(how);
  });
  test('stays so across a restart while the responder is away, beyond every grace', async () => {
    await bench(() => ({ status: 'revoked' })).verdict();
    const after = bench(() => 'unreachable');
    expect(await after.verdict()).toBe('CERTIFICATE_REVOKED');
    clock.advance(200 * HOUR);
    expect(await after.verdict()).toBe('CERTIFICATE_REVOKED');
  });
  test('is used again when its issuer says so, asked hourly', async () => {
    let now: 'good' | 'revoked' = 'revoked';
    const { verdict } = bench(() => ({ status: now }));
    await verdict();
    now = 'good';
    expect(await verdict()).toBe('CERTIFICATE_REVOKED');
    clock.advance(HOUR);
    expect(await verdict()).toBe('usable');
  });
});

describe('a responder that cannot be asked', () => {
  test('leaves a card in use for graceHours after its last good answer has run out', async () => {
    let away = false;
    const { verdict, status } = bench(() => (away ? 'unreachable' : {}));
    await verdict();
    away = true;
    clock.advance(12 * HOUR);
    expect(await verdict()).toBe('usable');
    expect(status.failingSince()).toEqual({ at: clock.now(), check: null, reason: 'away' });
    clock.advance(72 * HOUR - 1);
    expect([await verdict(), status.blocked(card.certificate)]).toEqual(['usable', false]);
    clock.advance(1);
    expect([await verdict(), status.blocked(card.certificate)]).toEqual(['OCSP_UNREACHABLE', true]);
    away = false;
    clock.advance(60_000);
    expect(await verdict()).toBe('usable');
    expect(status.failingSince()).toBeNull();
  });
  test('gives a card that never had an answer the same time, which a restart does not begin anew', async () => {
    expect(await bench(() => 'unreachable').verdict()).toBe('usable');
    clock.advance(72 * HOUR);
    expect(await bench(() => 'unreachable').verdict()).toBe('OCSP_UNREACHABLE');
  });
  test('without grace stops it at once, and is not asked again within a minute', async () => {
    const { verdict } = bench(() => 'unreachable', { graceHours: 0 });
    expect([await verdict(), await verdict()]).toEqual(['OCSP_UNREACHABLE', 'OCSP_UNREACHABLE']);
    expect(asked).toBe(1);
  });
});

describe('of several cards', () => {
  test('one that is not released stops itself alone, and is named (CRT-04, D10)', async () => {
    let about = card;
    const { status, blocked } = bench(() => ({
      certificate: about.certificate,
      status: about === card ? 'good' : 'unknown',
    }));
    await status.refresh([card.certificate]);
    about = other;
    await status.refresh([card.certificate, other.certificate]);
    expect(blocked).toEqual(['other CERTIFICATE_NOT_RELEASED']);
    expect([status.blocked(card.certificate), status.blocked(other.certificate)]).toEqual([false, true]);
  });
  test.each([
    ['expired', mintLeaf(ca, { commonName: 'old', ...life, notAfter: new Date(start - HOUR) })],
    ['of a foreign authority', mintLeaf(mintRoot('Foreign', life), { commonName: 'x', ...life })],
  ])('one that is %s is nobody to ask about: no failure, no security event', async (_what, old) => {
    const { status, failed } = bench(() => ({}));
    await status.refresh([card.certificate, old.certificate]);
    clock.advance(HOUR);
    await status.refresh([card.certificate, old.certificate]);
    expect([asked, failed, status.failingSince()]).toEqual([1, [], null]);
  });
  test('the failure about one does not end by an answer about another, but when it is pulled', async () => {
    const { status } = bench(() => (asked === 1 ? 'unreachable' : {}));
    await status.refresh([other.certificate]);
    const failing = { at: start, check: null, reason: 'away' };
    await status.refresh([other.certificate, card.certificate]);
    expect([asked, status.failingSince()]).toEqual([2, failing]);
    await status.refresh([card.certificate]);
    expect(status.failingSince()).toBeNull();
  });
});

describe('an answer that is worth nothing is no answer, and a security event:', () => {
  test.each<[string, Answering, string]>([
    ['by somebody who is no responder', () => ({ signer: strangers }), 'smcb.ocsp-responder-untrusted'],
    [
      'with another signature',
      () => ({ signer: { ...signer, privateKey: strangers.privateKey } }),
      'smcb.ocsp-signature',
    ],
    ['about another certificate', () => ({ certificate: other.certificate }), 'smcb.ocsp-other-certificate'],
    ['without certHash', () => ({ certHash: null }), 'smcb.ocsp-cert-hash'],
    ['a day old', () => ({ producedAt: new Date(clock.now() - 25 * HOUR) }), 'smcb.ocsp-stale'],
    ['an hour ahead', () => ({ producedAt: new Date(clock.now() + HOUR) }), 'smcb.ocsp-future'],
    [
      'revoked on the word of a stranger',
      () => ({ signer: strangers, status: 'revoked' }),
      'smcb.ocsp-responder-untrusted',
    ],
  ])('%s', async (_what, answering, check) => {
    const { verdict, failed } = bench(answering, { graceHours: 0 });
    expect(await verdict()).toBe('OCSP_UNREACHABLE');
    expect(failed).toEqual([check]);
  });
  test('an older one played again does not undo a revocation', async () => {
    const old = new Date(start);
    let answer: ReturnType<Answering> = { status: 'revoked', producedAt: new Date(start + HOUR) };
    clock.advance(HOUR);
    const { verdict, failed } = bench(() => answer);
    await verdict();
    answer = { status: 'good', producedAt: old };
    clock.advance(HOUR);
    expect(await verdict()).toBe('CERTIFICATE_REVOKED');
    expect(failed).toEqual(['smcb.ocsp-stale']);
  });
  test('one that was put into the store by another hand is not believed', async () => {
    const forged = createOcspResponse({
      ...{ certificate: card.certificate, issuer: ca.certificate, status: 'good', signer: strangers },
      producedAt: new Date(start),
    });
    const fingerprint = Buffer.from(card.certificate.sha256).toString('hex');
    await kept.asked(fingerprint, start);
    await kept.put(fingerprint, forged, start);
    const { status, verdict } = bench(() => ({ status: 'revoked' }));
    expect(await verdict()).toBe('CERTIFICATE_REVOKED');
    expect(status.sight(card.certificate)?.status).toBe('revoked');
  });
});
