// The page at `/` of the admin listener: open, without data, in two languages, and true about the calls that exist.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ADMIN_CALLS } from '../../../../gateway/admin/calls.ts';
import { adminPage, PAGE_HEADERS } from '../../../../gateway/admin/page.ts';
import { catalogue } from '../../../../gateway/errors.ts';
import {
  exportBody,
  MONITOR_KEY,
  OPERATOR_KEY,
  type TestGateway,
  testGateway,
  WRITER_KEY,
} from '../../../support/gateway-server.ts';

const ready = { ok: true, canExport: true, code: null };
const waits = { ok: true, canExport: false, code: 'SMCB_PIN_NOT_VERIFIED' } as const;
const down = { ok: false, canExport: false, code: 'NOT_READY' } as const;

describe('what the page says', () => {
  test('in SIM it warns that this is a simulation, elsewhere it does not', () => {
    const sim = adminPage({ environment: 'SIM', readiness: ready, language: 'en' });
    const pu = adminPage({ environment: 'PU', readiness: ready, language: 'en' });
    expect(sim).toContain('Simulation');
    expect(pu).toContain('>PU<');
    expect(pu).not.toContain('Simulation');
  });
  test.each(['de', 'en'] as const)('a PIN that is not verified stands there with its remedy in %s', (language) => {
    const html = adminPage({ environment: 'SIM', readiness: waits, language });
    expect(html).toContain('<code>SMCB_PIN_NOT_VERIFIED</code>');
    expect(html).toContain(catalogue.SMCB_PIN_NOT_VERIFIED.remedy[language]);
    expect(html).toContain(`<html lang="${language}">`);
  });
  test('three states, three sentences', () => {
    const sentences = [ready, waits, down].map(
      (readiness) =>
        /<strong>(.*?)<\/strong>/.exec(adminPage({ environment: 'SIM', readiness, language: 'en' }))?.[1] ?? '',
    );
    expect(new Set(sentences).size).toBe(3);
    expect(sentences).not.toContain('');
  });
  test('it loads nothing and runs nothing', () => {
    const html = adminPage({ environment: 'SIM', readiness: waits, language: 'de' });
    expect(html).not.toMatch(/<script|<img|<link|<iframe|<form|\son[a-z]+=|\sstyle=|https?:|url\(|@import/i);
  });
  test('the policy names exactly the style that stands in the page', () => {
    const style = /<style>([\s\S]*)<\/style>/.exec(
      adminPage({ environment: 'SIM', readiness: ready, language: 'en' }),
    )?.[1];
    const hash = createHash('sha256')
      .update(style ?? '')
      .digest('base64');
    const policy = PAGE_HEADERS['content-security-policy'];
    expect(policy).toContain(`style-src 'sha256-${hash}'`);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
  });
});

describe('the page and the listener', () => {
  let g: TestGateway;
  beforeEach(async () => {
    g = await testGateway();
  });
  afterEach(() => g.close());

  test('it is open, HTML, and not kept', async () => {
    const answer = await fetch(`${g.gateway.adminAddress}/`, { headers: { 'accept-language': 'en' } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('vary')).toBe('Accept-Language');
    expect(answer.headers.get('x-environment')).toBe('SIM');
    expect(await answer.text()).toContain('<html lang="en">');
  });
  test('it names no DiGA, no export, no card, no key', async () => {
    const posted = await g.call('/v1/exports', { body: exportBody() });
    await g.gateway.idle();
    const html = (await g.admin('/')).text;
    for (const secret of [String(posted.json.id), '9-DEMO-DIGA-0001', 'demo', OPERATOR_KEY, WRITER_KEY])
      expect(html).not.toContain(secret);
  });
  test('it lists exactly the calls that the listener registers', () => {
    const files = readdirSync('gateway/admin').map((name) => `gateway/admin/${name}`);
    const sources = [...files, 'gateway/api/rest.ts'].map((file) => readFileSync(file, 'utf8')).join();
    const registered = [...sources.matchAll(/\b(?:admin|app)\.(\w+)(?:<[^(]*>)?\('(\/[^']*)'/g)];
    const routes = registered.map(([, method, path]) => `${method} ${path}`).filter((route) => route !== 'get /');
    const listed = ADMIN_CALLS.map(
      (call) => `${(call.method ?? 'GET').toLowerCase()} ${call.path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    );
    expect(routes.length).toBeGreaterThan(5);
    expect(listed.sort()).toEqual(routes.sort());
  });
  test.each(ADMIN_CALLS.filter((call) => call.role === null))('$path is open, as listed', async ({ path }) => {
    expect((await fetch(`${g.gateway.adminAddress}${path}`)).status).toBe(200);
  });
  test.each(ADMIN_CALLS.filter((call) => call.role !== null))(
    '$method $path takes the roles listed and no other',
    async (call) => {
      const { path, role, method = 'GET' } = call;
      expect((await fetch(`${g.gateway.adminAddress}${path}`, { method })).status).toBe(401);
      const refused = 403;
      expect((await g.admin(path, OPERATOR_KEY, method)).status).not.toBe(refused);
      const monitor = (await g.admin(path, MONITOR_KEY, method)).status;
      expect(monitor === refused).toBe(!role?.split(', ').includes('monitor'));
    },
  );
});
