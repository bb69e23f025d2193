// The page at `/` of the admin listener: open, without data, in two languages, and true about the calls that exist.
import { createHash, type X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ADMIN_CALLS } from '../../../../gateway/admin/calls.ts';
import { maySee } from '../../../../gateway/admin/overview.ts';
import { adminPage, PAGE_HEADERS } from '../../../../gateway/admin/page.ts';
import type { Authenticate, Role } from '../../../../gateway/api/authentication.ts';
import { catalogue } from '../../../../gateway/errors.ts';
import {
  exportBody,
  MONITOR_KEY,
  OPERATOR_KEY,
  type TestGateway,
  testGateway,
  WRITER_KEY,
} from '../../../support/gateway-server.ts';

const page = (
  o: Pick<Parameters<typeof adminPage>[0], 'environment' | 'readiness' | 'language'> &
    Partial<Parameters<typeof adminPage>[0]>,
) => adminPage({ live: false, overview: undefined, ...o });
const ready = { ok: true, canExport: true, code: null };
const waits = { ok: true, canExport: false, code: 'SMCB_PIN_NOT_VERIFIED' } as const;
const down = { ok: false, canExport: false, code: 'NOT_READY' } as const;

describe('what the page says', () => {
  test('in SIM it warns that this is a simulation, elsewhere it does not', () => {
    const sim = page({ environment: 'SIM', readiness: ready, language: 'en' });
    const pu = page({ environment: 'PU', readiness: ready, language: 'en' });
    expect(sim).toContain('Simulation');
    expect(pu).toContain('>PU<');
    expect(pu).not.toContain('Simulation');
  });
  test.each(['de', 'en'] as const)('a PIN that is not verified stands there with its remedy in %s', (language) => {
    const html = page({ environment: 'SIM', readiness: waits, language });
    expect(html).toContain('<code>SMCB_PIN_NOT_VERIFIED</code>');
    // The command stands as code, with what is to be filled in escaped.
    const [, command = ''] = /`(.*?)`/.exec(catalogue.SMCB_PIN_NOT_VERIFIED.remedy[language]) ?? [];
    expect(html).toContain(`<code>${command.replace('<', '&lt;').replace('>', '&gt;')}</code>`);
    expect(html).toContain(`<html lang="${language}">`);
  });
  test('three states, three sentences', () => {
    const sentences = [ready, waits, down].map(
      (readiness) => /<strong>(.*?)<\/strong>/.exec(page({ environment: 'SIM', readiness, language: 'en' }))?.[1] ?? '',
    );
    expect(new Set(sentences).size).toBe(3);
    expect(sentences).not.toContain('');
  });
  test.each(['de', 'en'] as const)('while sessions stand, exports go on without a login, in %s (D10)', (language) => {
    const said = (o: { live: boolean; code?: 'RECORD_SYSTEM_UNREACHABLE' }) =>
      /<strong>(.*?)<\/strong>/.exec(
        page({ environment: 'SIM', readiness: { ...waits, ...(o.code && { code: o.code }) }, language, live: o.live }),
      )?.[1] ?? '';
    expect(said({ live: true })).toMatch(
      /No new login is possible; exports .* go on|Keine neue Anmeldung möglich; Exporte .* gehen weiter/,
    );
    expect(said({ live: false })).not.toBe(said({ live: true }));
    // What lies behind the login hinders sessions, too.
    expect(said({ live: true, code: 'RECORD_SYSTEM_UNREACHABLE' })).toBe(said({ live: false }));
  });
  test('open alarms, Konnektors, terminals and cards with what to do, and nothing of it unescaped', () => {
    const line = (name: string, code: 'SMCB_PIN_BLOCKED' | null = null) => ({
      ...{ name, facts: ['DiGA <b>'], code },
      remedy: code === null ? null : 'run `epa-gateway pin unblock 8027`',
    });
    const html = page({
      ...{ environment: 'PU', readiness: waits, language: 'en' },
      overview: {
        alarms: [{ ...line('8027 <i>', 'SMCB_PIN_BLOCKED'), code: 'SMCB_PIN_BLOCKED' }],
        konnektors: [line('k1')],
        terminals: [],
        cards: [line('SMC-B 8027', 'SMCB_PIN_BLOCKED')],
      },
    });
    expect(html).toContain('<h2>Open alarms</h2>');
    expect(html).toContain('<code>epa-gateway pin unblock 8027</code>');
    expect(html).toContain('8027 &lt;i&gt;');
    expect(html).not.toMatch(/<i>|<b>/);
    expect(html).toMatch(/<h3>Card terminals<\/h3>\n<p class="soft">none/);
  });
  test('who may not see them is told how they may', () => {
    const html = page({ environment: 'PU', readiness: waits, language: 'en' });
    expect(html).toContain('shown to an operator whose browser shows the client certificate');
    expect(html).not.toContain('Open alarms');
  });
  test('a path is broken at its slashes only', () => {
    const html = page({ environment: 'SIM', readiness: ready, language: 'en' });
    expect(html).toContain('/admin<wbr>/v1<wbr>/cards<wbr>/{iccsn}<wbr>/pin<wbr>/unblock');
    expect(html).toMatch(/code\{[^}]*overflow-wrap:normal/);
  });
  test('it loads nothing and runs nothing', () => {
    const html = page({ environment: 'SIM', readiness: waits, language: 'de' });
    expect(html).not.toMatch(/<script|<img|<link|<iframe|<form|\son[a-z]+=|\sstyle=|https?:|url\(|@import/i);
  });
  test('the policy names exactly the style that stands in the page', () => {
    const style = /<style>([\s\S]*)<\/style>/.exec(page({ environment: 'SIM', readiness: ready, language: 'en' }))?.[1];
    const hash = createHash('sha256')
      .update(style ?? '')
      .digest('base64');
    const policy = PAGE_HEADERS['content-security-policy'];
    expect(policy).toContain(`style-src 'sha256-${hash}'`);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
  });
});

describe('who sees more than the state', () => {
  const caller = (roles: Role[]) => async () => ({ id: 'x', diga: null, roles });
  const certificate = {} as X509Certificate;
  const see = (environment: string, authenticate: Authenticate, shows = true) =>
    maySee(
      { environment, authenticate },
      { authorization: undefined, address: '::1', certificate: shows ? certificate : undefined },
    );
  test('everybody in SIM, elsewhere an operator and nobody else', async () => {
    const refuses = () => Promise.reject(new Error('not known'));
    expect(await see('SIM', refuses, false)).toBe(true);
    expect(await see('PU', caller(['operator']))).toBe(true);
    for (const role of ['monitor', 'security', 'writer'] as const) expect(await see('PU', caller([role]))).toBe(false);
    expect(await see('PU', refuses)).toBe(false);
  });
  test('without a certificate nobody is asked for, so no failure is counted', async () => {
    let asked = 0;
    const counting = async () => {
      asked += 1;
      return { id: 'x', diga: null, roles: ['operator' as const] };
    };
    expect([await see('RU', counting, false), asked]).toEqual([false, 0]);
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
  test('it names no export, no key; in SIM it shows what is amiss to everybody', async () => {
    const posted = await g.call('/v1/exports', { body: exportBody() });
    await g.gateway.idle();
    const html = (await g.admin('/')).text;
    expect(html).toContain('<h2>Offene Alarme</h2>');
    for (const secret of [String(posted.json.id), '9-DEMO-DIGA-0001', OPERATOR_KEY, WRITER_KEY])
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
