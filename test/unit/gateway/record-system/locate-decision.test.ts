// EXP-22, EXP-23, D12 as a table: every pair of what two record systems can say, and what the pair means.
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { decide, readStatus, type StatusAnswer } from '../../../../gateway/record-system/locate-decision.ts';

const said = (status: number, errorCode?: string, errorDetail?: string): StatusAnswer =>
  readStatus({
    status,
    body: Buffer.from(errorCode === undefined ? '<html>' : JSON.stringify({ errorCode, errorDetail })),
  });
const unreachable = (check: string): StatusAnswer => ({
  status: 'not-asked',
  error: new GatewayError('RECORD_SYSTEM_UNREACHABLE', 'x', { check }),
});

const ANSWERS = {
  '204': said(204),
  '404 noHealthRecord': said(404, 'noHealthRecord'),
  '404 bare': said(404),
  '404 of something else': said(404, 'notFound'),
  '409 statusMismatch': said(409, 'statusMismatch'),
  '409 bare': said(409),
  '409 INACCESSIBLE': said(409, 'statusMismatch', 'record state is INACCESSIBLE'),
  '400 malformedRequest': said(400, 'malformedRequest'),
  '400 bare': said(400),
  '500': said(500, 'internalError'),
  '503': said(503),
  '200': said(200),
  '302': said(302),
  hang: unreachable('egress.timeout'),
  refused: unreachable('egress.unreachable'),
  TLS: { status: 'not-asked', error: new GatewayError('RECORD_SYSTEM_TLS_UNTRUSTED', 'x') },
} satisfies Record<string, StatusAnswer>;
type Name = keyof typeof ANSWERS;
const NAMES = Object.keys(ANSWERS) as Name[];

const DEFINITE: Name[] = ['404 noHealthRecord', '409 statusMismatch'];
const NOTHING: Name[] = [
  '404 bare',
  '404 of something else',
  '409 bare',
  '409 INACCESSIBLE',
  '400 bare',
  '500',
  '503',
  '200',
  '302',
];

/** Written down from the reference, not from the code. */
function expected(pair: Name[]): string {
  const has = (...names: Name[]) => pair.find((one) => names.includes(one));
  if (pair.every((one) => one === '204')) return 'RECORD_AMBIGUOUS';
  if (has('204')) return has(...DEFINITE) ? 'there, certain' : 'there, unsure';
  // Where both fail the first one's reason is told.
  const failed = has('hang', 'refused', 'TLS');
  if (failed) return failed === 'TLS' ? 'RECORD_SYSTEM_TLS_UNTRUSTED' : 'RECORD_SYSTEM_UNREACHABLE';
  if (has('400 malformedRequest')) return 'INTERNAL';
  if (has(...NOTHING)) return 'RECORD_BUSY';
  return has('409 statusMismatch') ? 'RECORD_SUSPENDED' : 'RECORD_NOT_FOUND';
}

function outcome(one: Name, two: Name): string {
  const answers = new Map([
    ['a', ANSWERS[one]],
    ['b', ANSWERS[two]],
  ]);
  try {
    const { recordSystem, certain, denied } = decide(['a', 'b'], answers);
    expect(recordSystem).toBe(one === '204' ? 'a' : 'b');
    expect(denied.size).toBe(certain ? 1 : 0);
    return `there, ${certain ? 'certain' : 'unsure'}`;
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown.code;
    throw thrown;
  }
}

describe('what two record systems say', () => {
  const pairs = NAMES.flatMap((one) => NAMES.map((two): [Name, Name] => [one, two]));
  it.each(pairs)('%s and %s', (one, two) => {
    expect(outcome(one, two)).toBe(expected([one, two]));
  });
});

describe('who has not answered yet', () => {
  it('leaves a 204 unsure', () => {
    expect(decide(['a', 'b', 'c'], new Map([['b', ANSWERS['204']]]))).toEqual({
      recordSystem: 'b',
      denied: new Set(),
      certain: false,
    });
  });

  it('does not hide that two say 204', () => {
    const answers = new Map([
      ['a', ANSWERS['204']],
      ['c', ANSWERS['204']],
    ]);
    expect(() => decide(['a', 'b', 'c'], answers)).toThrow(expect.objectContaining({ code: 'RECORD_AMBIGUOUS' }));
  });
});

describe('one answer', () => {
  it.each([
    [204, '', 'active'],
    [204, '{"errorCode":"noHealthRecord"}', 'active'],
    [404, '{"errorCode":"NOHEALTHRECORD"}', 'busy'],
    [404, '{"errorCode":["noHealthRecord"]}', 'busy'],
    [404, '{"errorCode":"statusMismatch"}', 'busy'],
    [409, '{"errorCode":"noHealthRecord"}', 'busy'],
    [409, '{"errorCode":"statusMismatch","errorDetail":"SUSPENDED"}', 'suspended'],
    [409, '{"errorCode":"statusMismatch","errorDetail":"state maintenance"}', 'busy'],
    [409, '{"errorCode":"statusMismatch","errorDetail":7}', 'suspended'],
    [400, '{"errorCode":"malformedRequest"}', 'malformed'],
    [200, '', 'busy'],
    [429, '{"errorCode":"noHealthRecord"}', 'busy'],
  ])('%i %s is %s', (status, body, meaning) => {
    expect(readStatus({ status, body: Buffer.from(body) }).status).toBe(meaning);
  });
});
