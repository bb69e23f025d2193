// Bodies of an export, right and wrong: the description takes what the gateway takes, and nothing else.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FORM } from '../../../support/export-form.ts';
import { mioBundle } from '../../../support/gateway-fakes.ts';
import { exportBody } from '../../../support/gateway-server.ts';
import type { Described } from './described.ts';
import { openWorld, type World } from './described-calls.ts';

let w: World;
let described: Described;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ w, described, close } = await openWorld());
});
afterAll(() => close());

describe('bodies: what the description takes and what the gateway takes', () => {
  const right = exportBody();
  test.each<[string, Record<string, unknown>]>([
    ['as it should be', {}],
    ['without reference', { reference: undefined }],
    ['without kvnr', { kvnr: undefined }],
    ['without kvnrSource', { kvnrSource: undefined }],
    ['without consent', { consent: undefined }],
    ['without prescriptionEnds', { prescriptionEnds: undefined }],
    ['without content', { content: undefined }],
    ['an unknown member', { more: 1 }],
    ['an unknown member inside', { consent: { ...right.consent, more: 1 } }],
    ['a KVNR in lower case', { kvnr: 'x110411675' }],
    ['a KVNR that is a number', { kvnr: 1 }],
    ['reference of 64', { reference: 'r'.repeat(64) }],
    ['reference of 65', { reference: 'r'.repeat(65) }],
    ['reference of nothing', { reference: '' }],
    ['a control character', { reference: 'a\nb' }],
    ['reference null', { reference: null }],
    ['queue all', { queue: 'all' }],
    ['another queue', { queue: 'some' }],
    ['priority batch', { priority: 'batch' }],
    ['another priority', { priority: 1 }],
    ['notBefore null', { notBefore: null }],
    ['notBefore a day', { notBefore: '2026-12-01' }],
    ['notBefore a time', { notBefore: '2026-12-01T10:00:00+01:00' }],
    ['notBefore a time without offset', { notBefore: '2026-12-01T10:00:00' }],
    ['prescriptionEnds a time', { prescriptionEnds: '2026-12-31T00:00:00Z' }],
    ['prescriptionEnds null', { prescriptionEnds: null }],
    ['onTargetGone create-new', { onTargetGone: 'create-new' }],
    ['another onTargetGone', { onTargetGone: true }],
    ['an issuer over http', { kvnrSource: { ...right.kvnrSource, issuer: 'http://a.example' } }],
    ['an issuer that is none', { kvnrSource: { ...right.kvnrSource, issuer: 'a' } }],
    ['content of another mode', { content: { ...right.content, mode: 'pdf' } }],
    ['content of another type', { content: { ...right.content, mimeType: 'text/plain' } }],
    ['base64 with line breaks', { content: { ...right.content, base64: 'AAAA\nAAAA' } }],
    ['base64 of the web', { content: { ...right.content, base64: '-_-_' } }],
    ['content without base64', { content: { mode: 'document', mimeType: 'application/pdf' } }],
    ['a list', { content: [] }],
  ])('%s', async (_name, change) => {
    // Through JSON, as it comes.
    const body: unknown = JSON.parse(JSON.stringify(exportBody(change)));
    const answer = await w.g.call('/v1/exports?dryRun=true', { body });
    const byShape = answer.status !== 422 || answer.json.code === 'MIO_INVALID';
    expect({ described: described.takes('createExport', body), taken: byShape }).toEqual({
      described: byShape,
      taken: byShape,
    });
  });

  test('the form is described with its parts', () => {
    expect(FORM).toMatch(/^multipart\/form-data/);
    const part = {
      export: { ...right, content: { mode: 'document', mimeType: 'application/fhir+xml' } },
      document: mioBundle('a').toString(),
    };
    expect(described.takes('createExport', part, 'multipart/form-data')).toBe(true);
    expect(described.takes('createExport', { ...part, more: '' }, 'multipart/form-data')).toBe(false);
  });
});
