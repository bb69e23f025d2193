// The tool itself: what it takes for a check, that it overlooks none with a name, and that its verdicts are true.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { findMutants, type Mutant } from './find.ts';
import { noticedBy } from './judge.ts';
import { parse } from './syntax.ts';
import { listChecks } from './table.ts';
import { openWorkspace } from './workspace.ts';

const root = resolve(import.meta.dirname, '../..');
const { checks } = listChecks(root);
const found = (text: string) =>
  findMutants('a.ts', text).map(({ operator, check, removed }) => [operator, check, removed]);

describe('what is a check', () => {
  test('an if that only throws, by the name in its error', () => {
    expect(found("if (a !== b) throw untrusted('vau.role');")).toEqual([
      ['refusal', 'vau.role', "if (a !== b) throw untrusted('vau.role');"],
    ]);
    expect(found("if (!a) { throw new E('CODE_A', 'the words', { check: 'smcb.role' }); }")[0]?.[1]).toBe('smcb.role');
    expect(found("if (!a) throw new CertError('CERT_ROLE', 'two roles');")[0]?.[1]).toBe('CERT_ROLE: two roles');
  });
  test('each of its reasons apart, but none that is there for the compiler', () => {
    const text = "if (a === undefined || a.b !== 1 || a.c > 2) throw untrusted('x.y');";
    expect(found(text).map(([operator, , removed]) => [operator, removed])).toEqual([
      ['refusal', text],
      ['part', 'a.b !== 1'],
      ['part', 'a.c > 2'],
    ]);
    expect(findMutants('a.ts', text)[1]?.text).toBe("if (a === undefined || false || a.c > 2) throw untrusted('x.y');");
  });
  test('a call whose answer nobody takes, and one that never comes back', () => {
    expect(found('requireRole(c, oid);')).toEqual([
      ['call', 'the module: requireRole(c, oid);', 'requireRole(c, oid);'],
    ]);
    const never =
      "function refuse(why: string): never { throw new E(why); }\nif (a) refuse('a is set');\nconst b = c ?? refuse('no c');";
    expect(found(never).map(([operator]) => operator)).toEqual(['refusal', 'branch']);
  });
  test('a predicate, without one of its conditions or always true', () => {
    expect(found('function may(c): boolean { if (!c.a) return false; return c.b && ok(c); }')).toEqual([
      ['guard', 'may: if (!c.a) return false;', 'if (!c.a) return false;'],
      ['predicate', 'may: c.b && ok(c)', 'c.b && ok(c)'],
      ['conjunct', 'may: c.b', 'c.b'],
      ['conjunct', 'may: ok(c)', 'ok(c)'],
    ]);
    expect(found('const usable = all.filter((c) => c.name === name);')).toEqual([
      ['predicate', 'usable: c.name === name', 'c.name === name'],
    ]);
  });
  test('an option and the tag of a cipher', () => {
    expect(found('const o = { rejectUnauthorized: true, maxCachedSessions: 0, other: true };')).toEqual([
      ['option', 'o: true', 'true'],
      ['option', 'o: 0', '0'],
    ]);
    expect(found('decipher.final();')[0]?.[0]).toBe('tag');
  });
  test('not an if that does more, not what tells a caught error in other words, not a variable', () => {
    expect(found('if (a) { b = 1; throw c; }')).toEqual([]);
    expect(found('if (a) throw b; else c = 1;')).toEqual([]);
    expect(found('try { a = 1; } catch (e) { if (e instanceof E) throw untrusted("x.y"); throw e; }')).toEqual([]);
    expect(found('const f = (): boolean => lost;')).toEqual([]);
    expect(found('list.push(a); const b = c();')).toEqual([]);
  });
});

describe('the trust checks of the gateway', () => {
  test('are at least thirty, and all whose failure has a name (one that is missing: find.ts does not know its form)', () => {
    const known = new Set(checks.map(({ check }) => check));
    const named = checks
      .map(({ file }) => file)
      .filter((file, at, all) => file.startsWith('gateway/') && all.indexOf(file) === at);
    const thrown = named.flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/(?:ntrusted|broken)\('([a-z]+\.[a-z-]+)'/g)].map(
        ([, name]) => name ?? '',
      ),
    );
    expect(thrown.length).toBeGreaterThan(30);
    expect(thrown.filter((name) => !known.has(name))).toEqual([]);
  });
  test('can each be taken out without breaking the syntax, and leave another file', () => {
    for (const { file, text } of checks) {
      expect(() => parse(text)).not.toThrow();
      expect(text).not.toBe(readFileSync(join(root, file), 'utf8'));
    }
  });
});

describe('who notices', () => {
  const workspace = openWorkspace(root);
  afterAll(() => workspace.remove());
  const named = (name: string): Mutant => {
    const check = checks.find((one) => one.check === name);
    if (check === undefined) throw new Error(`no check ${name}`);
    return check;
  };
  const unit = (name: string) => `test/unit/gateway/record-system/${name}.test.ts`;

  test.each([
    ['vau.keys-signature', unit('vau-trust'), 'vau.keys-signature'],
    ['vau.role', unit('vau-trust'), 'vau.role'],
    ['idp.challenge-signature', unit('idp'), 'challenge'],
  ])('%s is missed at once', async (name, file, title) => {
    const by = await noticedBy(workspace, named(name), [file]);
    expect(by).toContain(`${file}: `);
    expect(by).toContain(title);
  });
  test('nobody, where the tests are of something else', async () => {
    expect(await noticedBy(workspace, named('vau.role'), ['test/unit/wire/cbor.test.ts'])).toBeUndefined();
  });
  test('nobody either, where the file without its check does not load: that proves nothing', async () => {
    const mutant = {
      ...named('vau.role'),
      text: 'import { nothing } from "./idp.ts"; export const VauTrust = nothing;',
    };
    await expect(noticedBy(workspace, mutant, [unit('vau-trust')])).rejects.toThrow('does not load');
  });
  test('the tree stays as it is', () => {
    const { file } = named('vau.role');
    expect(readFileSync(join(workspace.folder, file), 'utf8')).toBe(readFileSync(join(root, file), 'utf8'));
  });
});
