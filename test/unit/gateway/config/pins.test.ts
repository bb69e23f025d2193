// The settings of pins: their form, and never one without a spare (CRT-10, OPS-10).
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseSettings } from '../../../../gateway/config.ts';
import { temporaryDirectory } from '../../../support/gateway-fakes.ts';
import { rawSettings } from '../../../support/gateway-server.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

const pin = (text: string) => createHash('sha256').update(text).digest('base64');
const [a, b] = [pin('a'), pin('b')];

type Where = 'konnektors[0]' | 'idp' | 'idp.origins[0]' | 'recordSystems[0]';
function faultsOf(where: Where, pins: unknown): string[] {
  const raw = structuredClone(rawSettings(directory.path)) as Record<string, unknown> & {
    konnektors: object[];
    recordSystems: object[];
    idp: Record<string, unknown> & { caFile: string };
  };
  if (where === 'konnektors[0]') Object.assign(raw.konnektors[0] ?? {}, { pins });
  if (where === 'recordSystems[0]') Object.assign(raw.recordSystems[0] ?? {}, { pins });
  if (where === 'idp') raw.idp.pins = pins;
  if (where === 'idp.origins[0]') raw.idp.origins = [{ origin: 'https://idp2.example', caFile: raw.idp.caFile, pins }];
  const result = parseSettings(raw);
  return result.ok ? [] : result.faults.map((fault) => `${fault.key} ${fault.message}`);
}
const places: Where[] = ['konnektors[0]', 'idp', 'idp.origins[0]', 'recordSystems[0]'];

test.each(places)('%s may have none, or two and more', (where) => {
  for (const pins of [[], [a, b], [a, b, pin('c')]]) expect(faultsOf(where, pins)).toEqual([]);
});

test.each(places)('%s with one pin, or with the same twice, is refused by name', (where) => {
  for (const pins of [[a], [a, a]])
    expect(faultsOf(where, pins)).toEqual([expect.stringMatching(/needs a second pin/)]);
  expect(faultsOf(where, [a])[0]).toMatch(new RegExp(`^${where.replace(/[[\]]/g, '\\$&')}\\.pins `));
});

test.each([
  ['hexadecimal', createHash('sha256').update('a').digest('hex')],
  ['of SHA-1', createHash('sha1').update('a').digest('base64')],
  ['in base64url', `${'-'.repeat(43)}=`],
  ['with its prefix', `sha256/${a}`],
  ['empty', ''],
])('a pin %s is refused', (_name, wrong) => {
  expect(faultsOf('recordSystems[0]', [a, wrong])).toEqual([
    'recordSystems[0].pins[1] must be Base64 of a SHA-256, 44 characters',
  ]);
});
