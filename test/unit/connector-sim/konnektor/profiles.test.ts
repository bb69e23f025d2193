// Each difference of a vendor's Konnektor (tables/konnektor-profiles.ts, docs/divergences.md): seen under its own profile, and the
// same look fails under another. Whatever the profile, the same client gets the same meaning.
import { createPublicKey, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KonnektorVendor } from '../../../../connector-sim/tables/konnektor-profiles.ts';
import { verifyDigest } from '../../../../wire/ecdsa-verify.ts';
import { ecdsaToRaw } from '../../../../wire/jose.ts';
import { type KonnektorBench, startKonnektorBench } from '../../../support/konnektor-bench.ts';
import { pin, refusal, sign } from '../../../support/konnektor-looks.ts';
import { DIFFERENCES, VENDORS } from '../../../tables/konnektor-differences.ts';

const benches = new Map<string, KonnektorBench>();
const benchOf = (vendor: KonnektorVendor): KonnektorBench => {
  const found = benches.get(vendor);
  if (found === undefined) throw new Error(`no bench of ${vendor}`);
  return found;
};
beforeAll(async () => {
  for (const vendor of VENDORS) benches.set(vendor, await startKonnektorBench({ vendor }));
});
afterAll(async () => {
  for (const bench of benches.values()) await bench.stop();
});

test('at least six differences lie between any other product and secunet', () => {
  for (const vendor of VENDORS.filter((one) => one !== 'secunet')) {
    const differs = DIFFERENCES.filter((one) => one.of.includes(vendor) !== one.of.includes('secunet'));
    expect(differs.length, vendor).toBeGreaterThanOrEqual(6);
  }
});

test('docs/divergences.md lists each of them with its source, and no other', () => {
  const text = readFileSync(new URL('../../../../docs/divergences.md', import.meta.url), 'utf8');
  const section = /## The Konnektors of the vendors.*?(?=\n## |$)/s.exec(text)?.[0] ?? '';
  const rows = [...section.matchAll(/^\| `([^`]+)` \|[^|]+\|[^|]+\|[^|]+\|$/gm)].map((m) => m[1]);
  expect(rows).toEqual(DIFFERENCES.map((one) => one.id));
});

describe.each(DIFFERENCES)('$id', ({ of, look, seen }) => {
  test.each(VENDORS.map((vendor) => [vendor, of.includes(vendor)] as const))('under %s: %s', async (vendor, own) => {
    const found = await look(benchOf(vendor));
    if (own) expect(found).toEqual(seen);
    else expect(found).not.toEqual(seen);
  });
});

describe('whatever the vendor', () => {
  test.each(VENDORS)('%s signs with the key of the card', async (vendor) => {
    const hash = randomBytes(32);
    const signature = await sign(benchOf(vendor), hash);
    const raw = signature.length === 64 ? signature : ecdsaToRaw(signature);
    const { world, pki } = benchOf(vendor);
    const key = world.konnektor.cards.get(pki.smcb.iccsn)?.certificates.get('C.AUT')?.privateKey;
    if (key === undefined) throw new Error('no key');
    expect(raw).toHaveLength(64);
    // the hash is signed as it stands, without a further digest
    expect(verifyDigest(hash, raw, createPublicKey(key))).toBe(true);
  });

  test.each(VENDORS)('%s: gematik’s code stands last in a fault', async (vendor) => {
    expect((await refusal(benchOf(vendor))).code).toBe(4101);
  });

  test('a manner set on one Konnektor wins over its vendor’s, and is gone without it', async () => {
    const bench = benchOf('secunet');
    bench.world.konnektor.manners = { faultStatus: 200, namespaces: 'default' };
    expect((await refusal(bench)).status).toBe(200);
    bench.world.konnektor.manners = {};
    expect((await refusal(bench)).status).toBe(500);
  });
});

describe('CardService 8.2 beside 8.1', () => {
  const NS82 = 'http://ws.gematik.de/conn/CardService/v8.2';
  const ask = (o: { path?: string; ns?: string; action?: string } = {}) => {
    const bench = benchOf('highspeed');
    const body = bench.envelope('GetPinStatus', pin(bench));
    return bench.raw(o.path ?? '/ws/CardService/v8.2', {
      headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: `"${o.action ?? NS82}#GetPinStatus"` },
      body: body.replace('http://ws.gematik.de/conn/CardService/v8.1', o.ns ?? NS82),
    });
  };

  test('answers in its own namespace', async () => {
    const { status, text } = await ask();
    expect(status).toBe(200);
    expect(text).toContain(`="${NS82}"`);
    expect(text).not.toContain('CardService/v8.1"');
    expect(text).toContain('VERIFIED');
  });

  test.each([
    ['a body of 8.1', { ns: 'http://ws.gematik.de/conn/CardService/v8.1' }],
    ['the SOAPAction of 8.1', { action: 'http://ws.gematik.de/conn/CardService/v8.1' }],
    ['a body of 8.2 at the path of 8.1', { path: '/ws/CardService' }],
  ])('refuses %s', async (_what, o) => {
    const { status, text } = await ask(o);
    expect([status, /Code[^>]*>4000</.test(text)]).toEqual([500, true]);
  });

  test('is not at any other vendor’s', async () => {
    const bench = benchOf('secunet');
    expect((await bench.raw('/ws/CardService/v8.2', { body: '' })).status).toBe(404);
  });
});
