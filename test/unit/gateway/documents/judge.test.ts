// A finished document before 202: valid against its profiles, in a version that the DiGA may use, about no other insured (D5,
// D15, D25, EXP-12). All faults at once, no value in any of them. The validator itself: test/unit/mio.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { judgeXml } from '../../../../gateway/documents/judge.ts';
import { openToolkits } from '../../../../gateway/documents/toolkits.ts';
import { KVNR, mioBundle, OTHER_KVNR } from '../../../support/gateway-fakes.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';

const toolkits = openToolkits();
const order = { versions: ['1.1.0'], maxBytes: 25_000_000, kvnr: KVNR };
const judge = (content: string | Uint8Array, more: Partial<typeof order> & { single?: boolean } = {}) =>
  judgeXml(typeof content === 'string' ? Buffer.from(content) : content, toolkits, { ...order, ...more });
const errors = (...of: Parameters<typeof judge>) =>
  judge(...of)
    .findings.filter((finding) => finding.severity === 'error')
    .map((finding) => finding.code);
const bundle = mioBundle('a').toString();
const about = (kvnr: string) => mioBundle('a', kvnr).toString();

test.each([
  ['without a KVNR', bundle],
  ['with the own KVNR', about(KVNR)],
  ['with a byte order mark', `\uFEFF${bundle}`],
  ['with comments', bundle.replace('<type', '<!-- <a> &x; --><type')],
])('accepted: a document %s', (_name, content) => {
  expect(judge(content).findings).toEqual([]);
});

test('its Betrachtungszeitraum is found', () => {
  expect(judge(bundle).period).toEqual({ start: '2026-09-01T00:00:00+02:00', end: '2026-11-20T08:00:00.000Z' });
  expect(judge(bundle.replace(/<extension url=[^>]*Betracht.*?<\/extension>/, '')).period).toBeUndefined();
});

test.each([
  ['no XML', 'text', 'XML_MALFORMED'],
  ['an open element', bundle.slice(0, -9), 'XML_MALFORMED'],
  ['a DTD with entities', `<!DOCTYPE Bundle [<!ENTITY a "b">]>${bundle}`, 'XML_DOCTYPE'],
  ['bytes that are not UTF-8', Buffer.concat([Buffer.from(bundle), Buffer.from([0xc3])]), 'XML_ENCODING'],
  ['another root', '<a xmlns="http://hl7.org/fhir"/>', 'MIO_NOT_FHIR'],
  ['a lone resource', '<Patient xmlns="http://hl7.org/fhir"/>', 'MIO_BUNDLE_EXPECTED'],
  ['another bundle type', bundle.replace('"document"', '"collection"'), 'MIO_FIXED'],
  ['another version of the toolkit', bundle.replace('Bundle|1.1.0', 'Bundle|1.0.0'), 'MIO_PROFILE_VERSION'],
  ['an element of no profile', bundle.replace('<type value="document"/>', '$&<total value="1"/>'), 'MIO_MAX'],
  ['an element of no schema', bundle.replace('<type value="document"/>', '$&<typ value="1"/>'), 'ELEMENT_UNKNOWN'],
  ['a dangling reference', bundle.replace(/(<subject><reference value="urn:uuid:)./, '$1_'), 'MIO_REFERENCE_DANGLING'],
  ['another KVNR', about(OTHER_KVNR), 'KVNR_MISMATCH'],
  ['another KVNR of the private insurance', about(OTHER_KVNR).replace('/gkv/', '/pkv/'), 'KVNR_MISMATCH'],
  ['another KVNR in character references', about('&#65;123456780'), 'KVNR_MISMATCH'],
  ['another KVNR with blanks around', about(` ${OTHER_KVNR} `), 'KVNR_MISMATCH'],
  ['more bytes than a document may have', bundle, 'MIO_TOO_LARGE'],
])('refused: %s', (name, content, code) => {
  const verdict = judge(content, name.startsWith('more bytes') ? { maxBytes: 1000 } : {});
  expect(verdict.findings.map((finding) => finding.code)).toContain(code);
  expect(JSON.stringify(verdict)).not.toContain(OTHER_KVNR);
});

test('another KVNR is found wherever it stands, each time it does', () => {
  const performer = `<performer><identifier><value value="${OTHER_KVNR}"/><system value="http://fhir.de/sid/gkv/kvid-10"/></identifier></performer>`;
  const found = judge(about(OTHER_KVNR).replace(/<performer>.*?<\/performer>/, performer)).findings.filter(
    (finding) => finding.code === 'KVNR_MISMATCH',
  );
  expect(found.map((finding) => finding.path)).toEqual([
    'Bundle.entry[1].resource.identifier[0].value',
    'Bundle.entry[5].resource.performer[0].identifier.value',
  ]);
});

test('every fault is told at once, each with its place', () => {
  const twice = bundle.replace('"document"', '"collection"').replace('"DiGA-Export"', '"Export"');
  expect(judge(twice).findings.map((finding) => finding.path)).toEqual(
    expect.arrayContaining(['Bundle.type', 'Bundle.entry[0].resource.title']),
  );
});

test('D26: a single resource may be judged alone, and what it refers to is a warning', () => {
  const [, patient = ''] = /<resource>(<Patient>.*?<\/Patient>)/.exec(bundle) ?? [];
  const alone = patient.replace('<Patient>', '<Patient xmlns="http://hl7.org/fhir">');
  expect(errors(alone, { single: true })).toEqual([]);
  expect(errors(alone)).toContain('MIO_BUNDLE_EXPECTED');
});

describeWithSchemas('the published examples', (dir) => {
  const read = (name: string) => readFileSync(join(dir, 'mio/examples/real', `${name}_KBV_PR_MIO_DIGA_Bundle.xml`));
  test('the first is accepted', () => expect(errors(read('REAL_EXAMPLE_1'))).toEqual([]));
  test('the second is refused for its dangling reference alone', () =>
    expect(errors(read('REAL_EXAMPLE_2'))).toEqual(['MIO_REFERENCE_DANGLING']));
});
