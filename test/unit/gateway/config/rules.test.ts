// Rules between settings that a hostile or hurried operator would break: credentials that are not one's own (EXP-27, SEC-13).
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseSettings } from '../../../../gateway/config.ts';
import { secretFile, temporaryDirectory } from '../../../support/gateway-fakes.ts';
import { rawSettings, WRITER_KEY } from '../../../support/gateway-server.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

test.each([
  ['a client of another DiGA', 'clients', 2],
  ['a client of the same DiGA', 'clients', 1],
  ['an operator', 'operators', 0],
] as const)('%s with the key of the first client is refused by name, and the key is not said', (_name, list, index) => {
  const raw = rawSettings(directory.path);
  const entry = raw[list][index];
  if (entry === undefined) throw new Error('no such entry');
  entry.keyFile = secretFile(directory.path, 'copied.key', `${WRITER_KEY}\n`);
  const result = parseSettings(raw);
  expect(result).toEqual({
    ok: false,
    faults: [{ key: `${list}[${index}].keyFile`, message: 'holds the same key as clients[0].keyFile' }],
  });
  expect(JSON.stringify(result)).not.toContain(WRITER_KEY);
});

test('keys of their own are taken', () => {
  expect(parseSettings(rawSettings(directory.path))).toMatchObject({ ok: true });
});
