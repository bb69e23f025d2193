// What is weak on the way to a Konnektor (CRT-07, KON-03): said in the log, and an alarm that stands until the settings are others.
import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../../../certs/mint.ts';
import type { Alarm, AlarmCause } from '../../../gateway/alarms/alarms.ts';
import { parseSettings } from '../../../gateway/config.ts';
import { warnOfWeakWays } from '../../../gateway/konnektor-warnings.ts';
import { secretFile, temporaryDirectory } from '../../support/gateway-fakes.ts';
import { rawSettings } from '../../support/gateway-server.ts';
import { recordingLog } from './konnektor/scripted-konnektor.ts';

const NOW = Date.parse('2026-11-30T12:00:00Z');
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const short = mintLeaf(mintRoot('Root'), { commonName: 'gateway', privateKey });

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

const STANDING = ['konnektor.k1.weak-rsa', 'konnektor.k1.unauthenticated', 'konnektor.gone.weak-rsa', 'konnektor.gone'];

/** Log and alarms of a start with the first Konnektor changed; `undefined` takes a member out. */
async function start(change: Record<string, unknown>, open = STANDING) {
  const raw = rawSettings(directory.path);
  const entry = JSON.parse(JSON.stringify({ ...raw.konnektors[0], ...change }));
  const read = parseSettings({ ...raw, konnektors: [entry] }, {}, NOW);
  if (!read.ok) throw new Error(JSON.stringify(read.faults));
  const { log, lines } = recordingLog();
  const raised: AlarmCause[] = [];
  const cleared: string[] = [];
  const alarms = {
    raise: async (cause: AlarmCause) => void raised.push(cause),
    clear: async (key: string) => void cleared.push(key),
    open: () => open.map((key) => ({ key }) as Alarm),
  };
  await warnOfWeakWays({ settings: read.settings, now: () => NOW, log, alarms });
  return { lines, raised, cleared };
}

const shortKey = () => ({
  clientCertificate: secretFile(directory.path, 'short.pem', short.certPem),
  clientKey: secretFile(directory.path, 'short.key', short.keyPem),
  weakRsaUntil: '2026-12-31',
});

test('a short RSA key, borne with until a day, is said and raised (CRT-07)', async () => {
  const { lines, raised, cleared } = await start(shortKey());
  expect(lines).toEqual([
    {
      level: 'warn',
      event: 'konnektor access weak',
      fields: {
        konnektor: 'k1',
        code: 'KONNEKTOR_ACCESS_WEAK',
        reason: 'RSA key of 2048 bits, accepted until 2026-12-31',
      },
    },
  ]);
  expect(raised).toMatchObject([{ key: 'konnektor.k1.weak-rsa', code: 'KONNEKTOR_ACCESS_WEAK', subject: 'k1' }]);
  expect(cleared).toEqual(['konnektor.k1.unauthenticated', 'konnektor.gone.weak-rsa']);
});

test('nobody proven is said and raised (KON-03)', async () => {
  const { raised } = await start({ clientCertificate: undefined, clientKey: undefined });
  expect(raised.map(({ key }) => key)).toEqual(['konnektor.k1.unauthenticated']);
});

test('settings that are well end what was raised by others, also of a Konnektor that is not in them any more', async () => {
  const { lines, raised, cleared } = await start({});
  expect([lines, raised]).toEqual([[], []]);
  expect(cleared).toEqual(STANDING.slice(0, 3));
});
