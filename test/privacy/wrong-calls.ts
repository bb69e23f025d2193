// What callers may send wrongly with the KVNR in it (EXP-20): in every member of a body, in paths, queries and headers.
import { exportBody } from '../support/world.ts';
import { marked, NAME, UNUSED_KVNR } from './marked-world.ts';

/** Each must be refused. */
export function wrongBodies(kvnr: string): (object | string)[] {
  const document = marked(kvnr, 'bad');
  const right = exportBody(kvnr, document);
  return [
    { ...right, kvnr: `${kvnr.slice(0, 9)}${(Number(kvnr[9]) + 1) % 10}` },
    { ...right, reference: kvnr },
    { ...right, series: `about ${kvnr}` },
    { ...right, [kvnr]: NAME },
    { ...right, consent: { id: kvnr, version: kvnr, grantedAt: kvnr } },
    { ...right, kvnrSource: { issuer: `https://${kvnr}.example/${kvnr}`, authenticatedAt: kvnr } },
    { ...right, prescriptionEnds: kvnr, notBefore: kvnr, notAfter: kvnr, queue: kvnr, diga: kvnr },
    { ...right, content: { mode: kvnr, mimeType: kvnr, base64: kvnr } },
    {
      ...right,
      content: {
        mode: 'document',
        mimeType: 'application/fhir+xml',
        base64: document.subarray(0, -9).toString('base64'),
      },
    },
    exportBody(UNUSED_KVNR, document),
    `${JSON.stringify(right)}${kvnr}`,
    JSON.stringify(right).slice(0, -1),
    `{"kvnr":"${kvnr}","kvnr":"${kvnr}"}`,
  ];
}

/** `key`: one that the gateway knows. */
export function wrongCalls(kvnr: string, key: string) {
  const right = exportBody(kvnr, marked(kvnr, 'bad'));
  const headers = { 'x-request-id': kvnr, 'accept-language': kvnr, 'if-none-match': kvnr, 'idempotency-key': kvnr };
  return [
    ['GET', `/v1/exports/${kvnr}`, { headers }],
    ['GET', `/v1/exports?${kvnr}=${kvnr}&status=${kvnr}`, { headers }],
    ['POST', `/v1/exports?kvnr=${kvnr}`, { headers, body: JSON.stringify(right) }],
    ['POST', `/v1/exports/${kvnr}/retry`, { headers }],
    ['DELETE', `/v1/exports/${kvnr}`, { headers }],
    ['GET', `/${kvnr}/${key}`, { headers, key: kvnr }],
    ['GET', '/v1/exports', { headers, key: `${key}x` }],
    ['GET', `/v1/exports?key=${key}`, { headers, key: null }],
    ['GET', '/livez', { headers }],
    ['GET', '/readyz', { headers }],
    ['GET', '/metrics', { admin: true, headers }],
    ['GET', '/admin/v1/config', { admin: true, headers }],
    ['GET', `/admin/v1/exports/${kvnr}`, { admin: true, headers }],
    ['GET', '/', { admin: true, headers }],
  ] as const;
}
