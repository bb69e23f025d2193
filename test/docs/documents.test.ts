// What docs/documents.md shows is taken as it stands: the entries of its example become a document without a finding.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { createJobs } from '../../gateway/documents/jobs.ts';
import { openToolkits } from '../../gateway/documents/toolkits.ts';
import { codeBlocks } from './markdown.ts';

const page = readFileSync(join(resolve(import.meta.dirname, '../..'), 'docs/documents.md'), 'utf8');

test('the example of entries is built without a finding, and its numbers stay as spelled', () => {
  const [example = ''] = codeBlocks(page, 'json');
  const jobs = createJobs(openToolkits());
  const bytes = Buffer.from(`{"content":${example}}`);
  const opened = jobs.open({ bytes, diga: null, versions: {}, defaultVersion: '1.1.0' });
  expect(opened).toMatchObject({ content: { mode: 'simple', findings: [] } });
  const manufacturer = { name: 'Demo GmbH', url: 'https://demo-diga.example' };
  const { findings, parts } = jobs.build({
    bytes,
    version: '1.1.0',
    app: { veId: 'DEMO-0001', pzn: '00000017', name: 'Demo DiGA', manufacturer },
    kvnr: undefined,
    ids: { namespace: '4f0a3ac6-1b1c-4d5e-8f00-000000000001', diga: 'demo', patientKey: '' },
    digestKey: new Uint8Array(32),
    now: Date.parse('2026-11-20T08:00:00Z'),
    documentBytes: 25_000_000,
    before: [],
  });
  expect(findings).toEqual([]);
  expect(parts.map(({ part }) => part)).toEqual(['']);
  expect(Buffer.from(parts[0]?.bytes ?? []).toString()).toContain('<value value="72.50"/>');
});
