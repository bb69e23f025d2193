// `content.mode: fhir` (api.md section 2, mio-diga.md section 13b): loose resources become a document, a finished bundle is written as
// it is; what is wrong points into what was sent, and nothing is stored.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { judgeXml } from '../../../../gateway/documents/judge.ts';
import { openToolkits } from '../../../../gateway/documents/toolkits.ts';
import { writeJson } from '../../../../mio/json.ts';
import { readXml } from '../../../../mio/xml-read.ts';
import { KVNR, mioBundle, OTHER_KVNR } from '../../../support/gateway-fakes.ts';
import { exportBody, type TestGateway, testGateway } from '../../../support/gateway-server.ts';

let g: TestGateway;
beforeEach(async () => {
  g = await testGateway();
});
afterEach(() => g.close());

const toolkits = openToolkits();
const PROFILE = 'https://fhir.kbv.de/StructureDefinition/KBV_PR_MIO_DIGA_';
const diary = (id: string, more: Record<string, unknown> = {}) => ({
  resourceType: 'Observation',
  id,
  meta: { profile: [`${PROFILE}Observation_Diary_Entry|1.1.0`] },
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', version: '2.72', code: '51855-5', display: 'Patient Note' }] },
  subject: { reference: 'Patient/p' },
  effectiveDateTime: '2026-11-20',
  valueString: 'Spaziergang',
  ...more,
});
const patient = (kvnr?: string) => ({
  resourceType: 'Patient',
  id: 'p',
  meta: { profile: [`${PROFILE}Patient|1.1.0`] },
  ...(kvnr !== undefined && {
    identifier: [
      {
        type: {
          coding: [
            {
              system: 'http://fhir.de/CodeSystem/identifier-type-de-basis',
              code: 'GKV',
              display: 'Gesetzliche Krankenversicherung',
            },
          ],
        },
        system: 'http://fhir.de/sid/gkv/kvid-10',
        value: kvnr,
      },
    ],
  }),
});
const post = (content: object) =>
  g.call('/v1/exports', { body: exportBody({ content: { mode: 'fhir', ...content } }) });
const pointers = (answer: { json: Record<string, unknown> }) =>
  ((answer.json.findings ?? []) as { pointer: string; code: string }[]).map((f) => `${f.pointer} ${f.code}`);
const errorsIn = (bytes: Uint8Array) =>
  judgeXml(bytes, toolkits, { versions: ['1.1.0'], maxBytes: 25_000_000, kvnr: KVNR }).findings.filter(
    (finding) => finding.severity === 'error',
  );

test('loose resources become a valid document, a second version goes on with their ids', async () => {
  const first = await post({ resources: [patient(KVNR), diary('d1')] });
  expect([first.status, pointers(first)]).toEqual([202, []]);
  await g.gateway.idle();
  await post({ resources: [patient(KVNR), diary('d1'), diary('d2')] });
  await g.gateway.idle();
  const contents = g.outside.writes.map((one) => one.content);
  expect(contents.map(errorsIn)).toEqual([[], []]);
  const ids = contents.map((one) =>
    [...one.toString().matchAll(/<Observation><id value="([^"]*)"/g)].map(([, id]) => id),
  );
  expect(ids[1]).toContain(ids[0]?.[0]);
  expect(g.outside.writes[1]?.order.replaces).toBe(g.outside.writes[0]?.order.entryUuid);
  const same = await post({ resources: [patient(KVNR), diary('d2'), diary('d1')] });
  await g.gateway.idle();
  expect((await g.call(`/v1/exports/${same.json.id}`)).json.status).toBe('unchanged');
});

test('a finished bundle is written as it is', async () => {
  const { resource } = readXml(mioBundle('a', KVNR), toolkits.core().shapes);
  const answer = await g.call('/v1/exports', {
    body: JSON.stringify(exportBody({ content: { mode: 'fhir', bundle: 'BUNDLE' } })).replace(
      '"BUNDLE"',
      writeJson(resource),
    ),
  });
  expect([answer.status, pointers(answer)]).toEqual([202, []]);
  await g.gateway.idle();
  const sent = readXml(g.outside.writes[0]?.content ?? new Uint8Array(), toolkits.core().shapes);
  expect(writeJson(sent.resource)).toBe(writeJson(resource));
  expect(g.outside.writes[0]?.order.serviceStart).toBeInstanceOf(Date);
});

test.each<[string, object, string, string[]]>([
  ['neither bundle nor resources', {}, 'EXPORT_INVALID', ['/content/resources MEMBER_MISSING']],
  ['no resource', { resources: [] }, 'EXPORT_INVALID', ['/content/resources TOO_SMALL']],
  ['an unknown member', { resources: [diary('d')], x: 1 }, 'EXPORT_INVALID', ['/content/x MEMBER_UNKNOWN']],
  [
    'a resource without a profile of the toolkit',
    { resources: [patient(KVNR), { ...diary('d'), meta: { profile: ['x|1'] } }] },
    'MIO_INVALID',
    ['/content/resources/1/meta/profile PROFILE_UNKNOWN'],
  ],
  [
    'another insured',
    { resources: [patient(OTHER_KVNR), diary('d')] },
    'MIO_INVALID',
    ['/content/resources/0/identifier/0/value KVNR_MISMATCH'],
  ],
  [
    'a fault in a resource, at its own place',
    { resources: [patient(KVNR), diary('d', { status: 'done' })] },
    'MIO_INVALID',
    ['/content/resources/1/status MIO_PATTERN'],
  ],
])('refused, and nothing is stored: %s', async (_what, content, code, expected) => {
  const answer = await post(content);
  expect([answer.status, answer.json.code]).toEqual([422, code]);
  expect(pointers(answer)).toEqual(expect.arrayContaining(expected));
  expect(answer.text).not.toContain(OTHER_KVNR);
  expect((await g.call('/v1/exports')).json.exports).toEqual([]);
});
