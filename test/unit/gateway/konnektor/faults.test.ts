// Every code of konnektor.md section 4 means something; the last Trace decides, all are kept (KON-12); and what the way
// to the Konnektor says becomes one of its codes.
import { describe, expect, test } from 'vitest';
import type { ErrorKind, GatewayError } from '../../../../gateway/errors.ts';
import { verifyPin } from '../../../../gateway/konnektor/card-service.ts';
import { getCards } from '../../../../gateway/konnektor/event-service.ts';
import { reactionTo } from '../../../../gateway/konnektor/faults.ts';
import { GEMATIK_CODES } from '../../../../gateway/konnektor/tables/gematik-codes.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import { cardsAnswer, envelope, fault, type Script, ScriptedKonnektor } from './scripted-konnektor.ts';

const refusal = (script: Script) =>
  gatewayErrorOf(() => getCards(new ScriptedKonnektor({ GetCards: script }).client(), { mandantWide: true }));

/** The classes of konnektor.md section 4, and the kinds of ours they may become. */
const CLASSES: [name: string, kinds: ErrorKind[], codes: number[]][] = [
  ['R: retry later', ['transient'], [4001, 4018, 4032, 4039, 4040, 4044, 4050, 4060, 4093, 4094, 4222]],
  ['R (once), then P', ['operator'], [4045, 4048]],
  ['R (long) with an alarm', ['operator'], [4002, 4174]],
  ['H: fetch the handle again', ['operator'], [4008, 4047, 4101]],
  ['P: a person acts at a terminal', ['operator'], [4041, 4043, 4049, 4052, 4063, 4065, 4067, 4068, 4085, 4202, 4203]],
  [
    'C: configuration',
    ['operator'],
    [
      4003, 4004, 4005, 4006, 4007, 4009, 4010, 4011, 4012, 4014, 4015, 4016, 4020, 4021, 4053, 4066, 4071, 4092, 4095,
      4097, 4204, 4221,
    ],
  ],
  ['X: bug or permanent', ['operator'], [4000, 4051, 4058, 4064, 4072, 4110, 4111, 4118, 4126, 4169, 4192, 4209]],
  ['comfort signature, not ours', ['transient', 'operator'], [4278, 4288]],
  ['generic codes of gemSpec_OM', ['transient', 'operator'], Array.from({ length: 114 }, (_, index) => index + 1)],
];

describe('the table of codes', () => {
  test.each(CLASSES)('%s', async (_name, kinds, codes) => {
    for (const code of codes) {
      expect(GEMATIK_CODES.has(String(code)), `code ${code}`).toBe(true);
      const error = await refusal(fault(code));
      expect(kinds, `code ${code}`).toContain(error.kind);
      expect(error.foreign).toMatchObject({ code: String(code), text: `text of ${code}`, status: 500 });
      expect(error.message).toBe(`Konnektor k1: GetCards: refused with code ${code}`);
    }
  });
  test('holds no code that is not listed above', () => {
    const known = new Set(CLASSES.flatMap(([, , codes]) => codes.map(String)));
    expect([...GEMATIK_CODES.keys()].filter((code) => !known.has(code))).toEqual([]);
  });
  test.each([
    [4085, 'SMCB_PIN_NOT_VERIFIED', 'person'],
    [4063, 'SMCB_PIN_BLOCKED', 'person'],
    [4065, 'SMCB_PIN_TRANSPORT', 'person'],
    [4101, 'SMCB_NOT_FOUND', 'new-handle'],
    [4047, 'SMCB_NOT_FOUND', 'new-handle'],
    [4008, 'SMCB_NOT_FOUND', 'new-handle'],
    [4222, 'TERMINAL_OFFLINE', 'retry-soon'],
    [4002, 'KONNEKTOR_NOT_OPERATIONAL', 'retry-late'],
    [4004, 'KONNEKTOR_CONTEXT_REFUSED', 'configuration'],
    [4000, 'KONNEKTOR_FAULT', 'permanent'],
    [4093, 'KONNEKTOR_BUSY', 'retry-soon'],
    [4045, 'SMCB_ACCESS_FAILED', 'retry-once'],
    [4064, 'SMCB_PUK_BLOCKED', 'permanent'],
  ])('%i is %s and calls for %s', async (code, ours, reaction) => {
    const error = await refusal(fault(code));
    expect([error.code, reactionTo(error)]).toEqual([ours, reaction]);
  });
});

describe('a card that fails once', () => {
  const asked = async (script: Script, verify = false) => {
    const konnektor = new ScriptedKonnektor({ GetCards: script, VerifyPin: script });
    const act = () =>
      verify ? verifyPin(konnektor.client(), 'h') : getCards(konnektor.client(), { mandantWide: true });
    const outcome = await act().then(
      () => 'well',
      (thrown: GatewayError) => thrown.code,
    );
    return [outcome, konnektor.count(verify ? 'VerifyPin' : 'GetCards')];
  };
  test.each([4045, 4048, 103])('with %i is asked once more, and then it is a matter for people', async (code) => {
    expect(await asked([fault(code), cardsAnswer()])).toEqual(['well', 2]);
    expect(await asked(fault(code))).toEqual(['SMCB_ACCESS_FAILED', 2]);
    expect(await asked([fault(code), fault(4085)])).toEqual(['SMCB_PIN_NOT_VERIFIED', 2]);
  });
  test('is not asked again by itself where a person types (KON-07)', async () => {
    expect(await asked(fault(4045), true)).toEqual(['SMCB_ACCESS_FAILED', 1]);
  });
  test.each([4001, 4085, 4101, 4999])('with %i is not asked again here', async (code) => {
    expect((await asked(fault(code)))[1]).toBe(1);
  });
});

describe('a fault', () => {
  test('of several Traces is what its last one says; all are kept in order', async () => {
    const error = await refusal(fault(10815, 4093, 4085));
    expect(error.code).toBe('SMCB_PIN_NOT_VERIFIED');
    expect(error.foreign?.code).toBe('4085');
    expect(error.foreign?.trace?.map(({ code }) => code)).toEqual(['10815', '4093', '4085']);
  });
  test("whose last code is a vendor's or unknown needs the operator, raw code kept, though a known one came before", async () => {
    for (const code of [10815, 40999, 4999]) {
      const error = await refusal(fault(4085, code));
      expect([error.code, error.kind, error.foreign?.code]).toEqual(['KONNEKTOR_FAULT', 'operator', String(code)]);
      expect(reactionTo(error)).toBeUndefined();
    }
  });
  test('with a code that is no number is kept and not shown in the message', async () => {
    const error = await refusal(fault('A123456789'));
    expect([error.code, error.foreign?.code]).toEqual(['KONNEKTOR_FAULT', 'A123456789']);
    expect(error.message).toBe('Konnektor k1: GetCards: refused');
  });
  test('without GERROR:Error is known by its SOAP code and text', async () => {
    const error = await refusal(fault());
    expect(error.code).toBe('KONNEKTOR_FAULT');
    expect(error.foreign).toEqual({ code: 'Server', text: 'refused', status: 500 });
  });
  test('with an Error of another namespace is one without', async () => {
    const { status, body } = fault(4085);
    const error = await refusal({ status, body: body.replace('tel/error/v2.0', 'tel/error/v1.0') });
    expect([error.code, error.foreign?.code]).toEqual(['KONNEKTOR_FAULT', 'Server']);
  });
  test('with an Error without Trace is one without', async () => {
    const { status, body } = fault(4085);
    const error = await refusal({ status, body: body.replace(/<x:Trace>.*<\/x:Trace>/, '') });
    expect([error.code, error.foreign?.code]).toEqual(['KONNEKTOR_FAULT', 'Server']);
  });
  test('with several details is found among them', async () => {
    const { status, body } = fault(4085);
    const error = await refusal({ status, body: body.replace('<detail>', '<detail><vendor xmlns="urn:v">x</vendor>') });
    expect(error.code).toBe('SMCB_PIN_NOT_VERIFIED');
  });
  test('of SOAP 1.2 from a confused server is still a fault', async () => {
    const body = `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><e:Fault><e:Code><e:Value>e:Sender</e:Value></e:Code><e:Reason><e:Text xml:lang="en">no</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>`;
    expect((await refusal({ status: 500, body })).code).toBe('KONNEKTOR_FAULT');
  });
  test('without a faultcode is no message', async () => {
    expect((await refusal(envelope('<S:Fault><faultstring>x</faultstring></S:Fault>'))).code).toBe(
      'KONNEKTOR_ANSWER_INVALID',
    );
  });
  test('never shows foreign text in its message', async () => {
    const { status, body } = fault(4085);
    const error = await refusal({ status, body: body.replace('text of 4085', 'Karte von A123456780') });
    expect(error.message).not.toContain('A123456780');
    expect(error.foreign?.text).toContain('A123456780');
  });
});

describe('the way to the Konnektor', () => {
  test.each([
    ['UNREACHABLE', 'KONNEKTOR_UNREACHABLE', 'transient'],
    ['TIMEOUT', 'KONNEKTOR_UNREACHABLE', 'transient'],
    ['RESET', 'KONNEKTOR_UNREACHABLE', 'transient'],
    ['TLS_UNTRUSTED', 'KONNEKTOR_TLS_UNTRUSTED', 'operator'],
    ['PIN_MISMATCH', 'KONNEKTOR_TLS_UNTRUSTED', 'operator'],
    ['KEY_WEAK', 'KONNEKTOR_TLS_UNTRUSTED', 'operator'],
    ['PROXY_REFUSED', 'KONNEKTOR_PROXY_REFUSED', 'operator'],
    ['PROXY_UNREACHABLE', 'KONNEKTOR_UNREACHABLE', 'transient'],
    ['NOT_ALLOWED', 'CONFIG_INVALID', 'operator'],
    ['TOO_LARGE', 'KONNEKTOR_ANSWER_INVALID', 'operator'],
    ['PROTOCOL', 'KONNEKTOR_ANSWER_INVALID', 'operator'],
    ['BODY_FAILED', 'INTERNAL', 'bug'],
  ] as const)('%s is %s', async (failure, code, kind) => {
    const error = await refusal(failure);
    expect([error.code, error.kind]).toEqual([code, kind]);
    expect(error.message).toMatch(/^Konnektor k1: GetCards: /);
  });
});
