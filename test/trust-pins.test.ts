// Pins of the settings (CRT-10) in a running world: each other side alone with pins that none of its keys meets, and the whole
// way with pins that are met.
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { pinOf } from '../gateway/egress-pins.ts';
import { exportBody, TestWorld } from './support/world.ts';

type Raw = Record<string, unknown> & {
  konnektors: { caFile: string }[];
  idp: { caFile: string };
  recordSystems: { caFile: string }[];
};
const other = ['a', 'b'].map((text) => createHash('sha256').update(text).digest('base64'));
const spare = other[0] ?? '';

/** Every place with the pin of its own root and a spare, or the named one with two of nobody. */
const pinned = (wrong?: 'konnektors' | 'idp' | 'recordSystems') => (settings: Record<string, unknown>) => {
  const raw = settings as Raw;
  const right = ({ caFile }: { caFile: string }) => [pinOf(new X509Certificate(readFileSync(caFile, 'utf8'))), spare];
  const at = (list: string, place: { caFile: string }) => ({ ...place, pins: list === wrong ? other : right(place) });
  return {
    ...raw,
    konnektors: raw.konnektors.map((one) => at('konnektors', one)),
    idp: at('idp', raw.idp),
    recordSystems: raw.recordSystems.map((one) => at('recordSystems', one)),
  };
};

async function exportWith(wrong?: Parameters<typeof pinned>[0]) {
  const world = await TestWorld.start({ settings: pinned(wrong) });
  try {
    const kvnr = await world.newInsured(24_000, 'epa-as-1');
    const { id } = await world.post(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
    const ended = await world.tried(id);
    const events = world.logs.filter((line) => line.event === 'security event');
    return { ended, events, operations: world.sim.operations(), documents: await world.documents(kvnr) };
  } finally {
    await world.stop();
  }
}

test('with pins that are met an export is written (CRT-10)', async () => {
  const { ended, events } = await exportWith();
  expect(ended.status).toBe('written');
  expect(events).toEqual([]);
});

test.each([
  ['recordSystems', 'RECORD_SYSTEM_TLS_UNTRUSTED', ['vau.handshake', 'information.ehr']],
  ['idp', 'IDP_UNTRUSTED', ['idp.discovery', 'ExternalAuthenticate']],
  ['konnektors', 'KONNEKTOR_TLS_UNTRUSTED', ['connector.sds', 'ReadCardCertificate']],
] as const)(
  '%s with pins of nobody: refused before a request, with a security event (CRT-10, SEC-11)',
  async (wrong, code, never) => {
    const { ended, events, operations, documents } = await exportWith(wrong);
    expect(ended).toMatchObject({ attempts: 0, reason: { code, check: 'egress.pin_mismatch' } });
    expect(new Set(events.map(({ fields }) => `${fields.code} ${fields.check}`))).toEqual(
      new Set([`${code} egress.pin_mismatch`]),
    );
    expect(never.filter((operation) => (operations[operation] ?? 0) > 0)).toEqual([]);
    expect(documents).toEqual([]);
  },
);
