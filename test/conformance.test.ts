// The conformance run as a test, and its judges seen to refuse: a judge that never says no proves nothing.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { OpenApiJudge } from './conformance/openapi.ts';
import { XsdJudge } from './conformance/xsd.ts';
import { describeWithSchemas } from './support/schemas.ts';

const root = resolve(import.meta.dirname, '..');
const run = (...args: string[]) =>
  spawnSync(process.execPath, [join(root, 'test/conformance/run.ts'), ...args], { cwd: root, encoding: 'utf8' });

describeWithSchemas('npm run conformance', (dir) => {
  test('finds every message of both sides valid and every expected kind seen', () => {
    const { status, stdout } = run('--schemas', dir);
    process.stdout.write(stdout.split('\n').slice(-2).join('\n'));
    expect(stdout).toMatch(
      /^(\d+) messages of \d+ kinds judged by the official files: \1 valid, 0 invalid, 0 expected kinds not seen$/m,
    );
    expect(status).toBe(0);
  }, 180_000);

  test.each([
    ['an element is missing', /<CONN:ClientSystemId>.*?<\/CONN:ClientSystemId>/, ''],
    ['the order is wrong', /(<CCTX:Context>.*?<\/CCTX:Context>)(<CARDCMN:CardType>.*?<\/CARDCMN:CardType>)/, '$2$1'],
    ['a namespace is wrong', /ConnectorContext\/v2\.0/, 'ConnectorContext/v1.0'],
    ['a value has no type', /mandant-wide="true"/, 'mandant-wide="yes"'],
  ])('the XSD judge refuses a request where %s', (_what, from, to) => {
    const judge = new XsdJudge(dir);
    const sample = readFileSync(join(dir, 'schemas/konnektor/samples/EventService/GetCards.xml'), 'utf8').replace(
      /^<\?xml[^>]*>\s*/,
      '',
    );
    const broken = sample.replace(from, to);
    expect(broken).not.toBe(sample);
    expect(judge.judge(sample).faults).toEqual([]);
    expect(judge.judge(broken).faults).not.toEqual([]);
    judge.dispose();
  });

  test('the OpenAPI judge refuses a missing header, a wrong status, a wrong body', () => {
    const judge = new OpenApiJudge(dir);
    const exchange = {
      method: 'GET',
      path: '/epa/authz/v1/getNonce',
      requestHeaders: new Map([['x-useragent', 'CLIENT/1.0']]),
      requestBody: new Uint8Array(),
      status: 200,
      responseHeaders: new Map([['content-type', 'application/json']]),
      responseBody: Buffer.from('{"nonce":"00"}'),
    };
    const faults = (change: object) => judge.judge({ ...exchange, ...change })?.faults.length;
    expect(faults({})).toBe(0);
    expect(faults({ requestHeaders: new Map() })).toBe(1);
    expect(faults({ requestHeaders: new Map([['x-useragent', 'no slash']]) })).toBe(1);
    expect(faults({ status: 418 })).toBe(1);
    expect(faults({ responseBody: Buffer.from('{"nonce":7}') })).toBe(1);
    expect(faults({ responseHeaders: new Map() })).toBe(1);
    expect(judge.judge({ ...exchange, path: '/other' })).toBeUndefined();
  });
});

test('without a folder it says how to call it', () => {
  expect(run().status).toBe(2);
  expect(run('--schemas', '/nowhere').stderr).toContain('usage: npm run conformance');
});
