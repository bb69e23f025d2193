// The ring of what was received and answered, and the counts that outlive it (api.md section 4).
import { expect, test } from 'vitest';
import type { HttpAnswer, HttpRequestIn } from '../../../connector-sim/http-server.ts';
import { Journal, type ServiceName } from '../../../connector-sim/journal.ts';

const request = (size = 0): HttpRequestIn => ({
  method: 'POST',
  path: '/a',
  query: new URLSearchParams('q=1'),
  headers: [['Host', 'x']],
  body: new Uint8Array(size),
});
const record = (journal: Journal, o: { service?: ServiceName; size?: number; answer?: Partial<HttpAnswer> } = {}) =>
  journal.record(o.service ?? 'idp', request(o.size), {
    status: 200,
    headers: [],
    operation: 'op',
    ...o.answer,
    body: new Uint8Array(),
  });

test('entries are numbered without gaps and filtered by number and service', () => {
  const journal = new Journal({ now: () => 0 });
  record(journal);
  record(journal, { service: 'ocsp' });
  record(journal);
  expect(journal.entries({ after: 1 }).map((e) => e.n)).toEqual([2, 3]);
  expect(journal.entries({ service: 'ocsp' }).map((e) => e.n)).toEqual([2]);
  expect(journal.entries()[0]).toMatchObject({ at: '1970-01-01T00:00:00.000Z', request: { path: '/a?q=1' } });
});

test('numbers go on after a deletion, and counts stay until they are reset', () => {
  const journal = new Journal({ now: () => 0 });
  record(journal);
  journal.clear();
  record(journal);
  expect(journal.entries().map((e) => e.n)).toEqual([2]);
  expect(journal.operations()).toEqual({ op: 2 });
  journal.resetCounts();
  expect(journal.operations()).toEqual({});
});

test('the oldest fall out when the ring is full, the newest always stays', () => {
  const journal = new Journal({ now: () => 0, limitBytes: 10_000 });
  for (const size of [4000, 4000, 4000]) record(journal, { size });
  expect(journal.entries().map((e) => e.n)).toEqual([3]);
  record(journal, { size: 50_000 });
  expect(journal.entries().map((e) => e.n)).toEqual([4]);
  expect(journal.operations()).toEqual({ op: 4 });
});

test('an inner exchange is an entry and a count of its own, and lost with its outer answer', () => {
  const journal = new Journal({ now: () => 0 });
  const inner = {
    operation: 'ITI-41',
    request: { method: 'POST', path: '/inner', headers: [], body: Buffer.from('in') },
    response: { status: 200, headers: [], body: Buffer.from('out') },
  };
  record(journal, { service: 'epa-as-1', answer: { inner: [inner] } });
  record(journal, {
    service: 'epa-as-1',
    answer: { inner: [inner], fault: { id: 'f', at: 'xds.iti41', kind: 'reset' } },
  });
  expect(journal.operations()).toEqual({ op: 2, 'ITI-41': 2 });
  expect(journal.entries().map((e) => [e.inner, e.response?.body ?? null, e.fault])).toEqual([
    [false, '', null],
    [true, 'b3V0', null],
    [false, null, 'reset'],
    [true, null, 'reset'],
  ]);
});

test('an uncounted exchange is journalled only', () => {
  const journal = new Journal({ now: () => 0 });
  record(journal, { answer: { uncounted: true } });
  expect([journal.entries().length, journal.operations()]).toEqual([1, {}]);
});
