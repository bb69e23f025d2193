// Documents on what is remembered of those before (mio-diga.md section 10): as text that whoever stores it only hands on.
import { expect, test } from 'vitest';
import { createJobs } from '../../../../gateway/documents/jobs.ts';
import { openToolkits } from '../../../../gateway/documents/toolkits.ts';
import { readMemory } from '../../../../mio/build/memory.ts';
import { KVNR, NOON } from '../../../support/gateway-fakes.ts';
import { app } from '../../../support/mio-build.ts';

const jobs = createJobs(openToolkits());
const body = (text: string) =>
  Buffer.from(
    JSON.stringify({ content: { mode: 'simple', entries: [{ kind: 'diary', id: 'd', at: '2026-11-20', text }] } }),
  );
const build = (text: string, before: Parameters<typeof jobs.build>[0]['before'] = []) =>
  jobs.build({
    bytes: body(text),
    version: '1.1.0',
    app,
    kvnr: KVNR,
    ids: { namespace: '4f0a3ac6-1b1c-4d5e-8f00-000000000001', diga: 'demo', patientKey: 'p' },
    digestKey: Buffer.alloc(32),
    now: NOON,
    documentBytes: 25_000_000,
    before,
  });
const memoryOf = ({ parts }: ReturnType<typeof build>) => {
  expect(parts).toHaveLength(1);
  return parts[0]?.memory ?? Buffer.from('');
};

test('what is remembered of a document is the ground of the next one', () => {
  const first = memoryOf(build('one'));
  const second = build('two', [{ part: '', memory: first }]);
  const same = build('one', [{ part: '', memory: first }]);
  expect(readMemory(Buffer.from(first).toString()).version).toBe(1);
  expect(readMemory(Buffer.from(memoryOf(second)).toString()).version).toBe(2);
  expect(Buffer.from(memoryOf(same)).equals(first)).toBe(true);
});

test('of a document that was not built here only the version is known', () => {
  const next = build('one', [{ part: '', version: 4 }]);
  expect(readMemory(Buffer.from(memoryOf(next)).toString()).version).toBe(5);
});

test.each([
  ['no memory', 'x'],
  ['cut', memoryOf(build('one')).subarray(0, -10)],
  ['of no bytes', ''],
  ['of another form', '{"format":2}'],
])('nothing is built on a memory that is broken: %s', (_what, memory) => {
  const good = memoryOf(build('one'));
  const before = [
    { part: '2026-10-01', memory: good },
    { part: '', memory: Buffer.from(memory) },
  ];
  expect(build('one', before)).toEqual({ findings: [], parts: [], broken: true });
});
