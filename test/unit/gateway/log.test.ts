// Log lines are JSON with named fields, and what looks like a KVNR or a credential never gets through (SEC-10).
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { createLogger, maskPersonal, stackOf } from '../../../gateway/log.ts';

const KVNR = 'X110411675';

test('a line is one JSON object with environment, time, event and its fields (SEC-12, OPS-05)', () => {
  const lines: string[] = [];
  const log = createLogger({ environment: 'SIM', level: 'info', to: { write: (line: string) => lines.push(line) } });
  log.info('export step', { export: 'e-1', step: 'located', ms: 12, code: undefined });
  log.debug('not shown');
  expect(lines).toHaveLength(1);
  const line = JSON.parse(lines[0] ?? '');
  expect(line).toMatchObject({ environment: 'SIM', msg: 'export step', export: 'e-1', step: 'located', ms: 12 });
  expect(Number.isNaN(Date.parse(line.time))).toBe(false);
  expect('code' in line).toBe(false);
});

test('a KVNR in any field or in the event itself is masked (SEC-10)', () => {
  const lines: string[] = [];
  const log = createLogger({ environment: 'SIM', level: 'info', to: { write: (line: string) => lines.push(line) } });
  log.warn(`about ${KVNR}`, { name: KVNR, route: `/x/${KVNR}`, stack: `at ${KVNR}` });
  expect(lines.join('')).not.toContain(KVNR);
});

test.each([
  [KVNR, '[masked]'],
  [`${KVNR}^^^&1.2.276.0.76.4.8&ISO`, '[masked]^^^&1.2.276.0.76.4.8&ISO'],
  ['x110411675', '[masked]'],
  ['Bearer abc.def', 'Bearer [masked]'],
  ['9-SMC-B-Testkarte-883110000145356', '9-SMC-B-Testkarte-883110000145356'],
  ['80276883110000000001', '80276883110000000001'],
])('%s becomes %s', (text, masked) => {
  expect(maskPersonal(text)).toBe(masked);
});

test('ids stay whole', () => {
  for (let n = 0; n < 5000; n++) {
    const id = `urn:uuid:${randomUUID()}`;
    expect(maskPersonal(id)).toBe(id);
  }
  expect(maskPersonal('0000000a-0000-4000-8000-a123456789bc')).toBe('0000000a-0000-4000-8000-a123456789bc');
});

test('a stack is logged without its message, however many lines that has', () => {
  const error = new Error('cannot read\n<family value="Mustermann"/>\n    at Mustermann (file:///x.ts:1:1)');
  const stack = stackOf(error) ?? '';
  expect(stack).not.toContain('Mustermann');
  expect(stack).toMatch(/^ {4}at .*log\.test\.ts/);
  expect(stackOf('no error')).toBeUndefined();
});
