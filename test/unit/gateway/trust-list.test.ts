// The trust-service list as the gateway keeps it (CRT-05, OPS-05): replaced in time, never by an older one, kept over a start, and
// out of force once its grace time has passed.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readPem } from '../../../certs/certificate.ts';
import { type Issued, mintCa, mintLeaf, mintRoot } from '../../../certs/mint.ts';
import { TSL_SIGNING } from '../../../certs/tsl.ts';
import { type TrustListOptions as Written, writeTrustList } from '../../../connector-sim/tsl.ts';
import { EgressError } from '../../../gateway/egress.ts';
import { GatewayError } from '../../../gateway/errors.ts';
import { silentLogger } from '../../../gateway/log.ts';
import { AGAIN_MS, keepTrustList, REFRESH_MS } from '../../../gateway/trust-list.ts';
import { secretFile, temporaryDirectory } from '../../support/gateway-fakes.ts';

const DAY = 86_400_000;
const START = Math.floor(Date.now() / 1000) * 1000;
const root = mintRoot('TI Root CA');
const [ca, other] = [mintCa(root, 'Komponenten-CA'), mintCa(root, 'SMC-B CA')];
const tslCa = mintRoot('TSL-CA');
const profile = { commonName: 'TSL Signer', keyUsage: ['digitalSignature'], extendedKeyUsage: [TSL_SIGNING] };
const signer = mintLeaf(tslCa, profile);
const service = (issued: Issued) => ({ type: 'CA/PKC' as const, issued });

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

const listOf = (change: Partial<Written> = {}) =>
  writeTrustList({
    sequence: 10,
    issued: START - DAY,
    nextUpdate: START + 7 * DAY,
    signer,
    services: [service(ca)],
    ...change,
  });

function keep(published: () => string | Error, environment: 'SIM' | 'PU' = 'SIM') {
  const clock = { now: START };
  const timers: { ms: number; fire: () => void; gone: boolean }[] = [];
  let set = Promise.withResolvers<void>();
  const failures: unknown[] = [];
  const errors: string[] = [];
  let changes = 0;
  const keeper = keepTrustList({
    settings: {
      environment,
      dataDirectory: directory.path,
      trust: { tsl: { signerFile: secretFile(directory.path, 'signer.pem', tslCa.certPem), graceDays: 30 } },
    },
    fetch: async () => {
      const found = published();
      if (found instanceof Error) throw found;
      return Buffer.from(found);
    },
    now: () => clock.now,
    timer: (ms, fire) => {
      const one = { ms, fire, gone: false };
      timers.push(one);
      set.resolve();
      return () => {
        one.gone = true;
      };
    },
    log: { ...silentLogger, error: (event) => void errors.push(event) },
    onFailure: (failure) => void failures.push(failure),
  });
  keeper.onChange(() => {
    changes += 1;
  });
  return {
    keeper,
    clock,
    timers,
    errors,
    changes: () => changes,
    checks: () => failures.map((failure) => (failure instanceof GatewayError ? failure.check : failure)),
    failures,
    /** When the list has been looked at; `again` looks once more. */
    looked: () => set.promise,
    again: async () => {
      set = Promise.withResolvers();
      timers.at(-1)?.fire();
      await set.promise;
    },
    names: () => keeper.current().cas.map((one) => one.commonName),
    refusal: () => {
      try {
        keeper.current();
      } catch (thrown) {
        if (thrown instanceof GatewayError) return `${thrown.code} ${thrown.check}`;
        throw thrown;
      }
      return 'in force';
    },
  };
}
const mine = ['Komponenten-CA TEST-ONLY'];

test('before the first list nothing is trusted, afterwards what it says, and it is looked at again in time (CRT-05)', async () => {
  const k = keep(() => listOf());
  expect(k.refusal()).toBe('TRUST_LIST_UNUSABLE tsl.none');
  await k.looked();
  expect(k.names()).toEqual(mine);
  expect(k.timers.map((one) => one.ms)).toEqual([REFRESH_MS]);
  expect([k.changes(), k.failures]).toEqual([1, []]);
});

test('a newer list takes the place of the one before; only other certificates are a change', async () => {
  let published = listOf();
  const k = keep(() => published);
  await k.looked();
  await k.again();
  published = listOf({ sequence: 11, nextUpdate: START + 9 * DAY });
  await k.again();
  expect(k.changes()).toBe(1);
  published = listOf({ sequence: 12, services: [service(other)] });
  await k.again();
  expect([k.changes(), k.names()]).toEqual([2, ['SMC-B CA TEST-ONLY']]);
});

describe.each<[string, string, () => string | Error]>([
  ['changed', 'tsl.signature', () => listOf({ sequence: 11 }).replace('TEST-ONLY<', 'TEST-0NLY<')],
  ['signed by a stranger', 'tsl.signer', () => listOf({ sequence: 11, signer: mintLeaf(mintRoot('TSL-CA'), profile) })],
  ['no list', 'tsl.unreadable', () => '<html/>'.replace('html', 'not closed')],
  ['older than the one before', 'tsl.sequence', () => listOf({ sequence: 9 })],
  ['another one of the same number', 'tsl.sequence', () => listOf({ services: [service(other)] })],
  [
    'past its NextUpdate',
    'tsl.expired',
    () => listOf({ sequence: 11, issued: START - 9 * DAY, nextUpdate: START - DAY }),
  ],
  ['without a CA', 'tsl.environment', () => listOf({ sequence: 11, services: [] })],
  ['not to be had', 'tsl.unreachable', () => new EgressError('UNREACHABLE', 'test', { bytesSent: false })],
])('a published list that is %s', (_what, check, wrong) => {
  test('is not taken, the one before stays, and it is looked at again soon', async () => {
    let published: string | Error = listOf();
    const k = keep(() => published);
    await k.looked();
    published = wrong();
    await k.again();
    expect(k.checks()).toEqual([check]);
    expect([k.names(), k.changes()]).toEqual([mine, 1]);
    expect(k.timers.at(-1)?.ms).toBe(AGAIN_MS);
    published = listOf({ sequence: 20 });
    await k.again();
    expect(k.timers.at(-1)?.ms).toBe(REFRESH_MS);
  });
});

test('a first list that is refused leaves nothing to trust, by its own check, and told once', async () => {
  const k = keep(() => listOf({ signer: mintLeaf(mintRoot('TSL-CA'), profile) }));
  await k.looked();
  expect(k.refusal()).toBe('TRUST_LIST_UNUSABLE tsl.signer');
  const thrown = (() => {
    try {
      return k.keeper.current();
    } catch (error) {
      return error;
    }
  })();
  expect(thrown instanceof Error && thrown.cause).toBe(k.failures[0]);
});

test('a list of another environment is refused (OPS-05)', async () => {
  const [publicRoot = ''] = rootCertificates;
  const [foreign] = readPem(publicRoot);
  if (foreign === undefined) throw new Error('no root');
  const services = [service(ca), service({ ...ca, certificate: foreign })];
  const k = keep(() => listOf({ services }));
  await k.looked();
  expect(k.refusal()).toBe('TRUST_LIST_UNUSABLE tsl.environment');
  const pu = keep(() => listOf(), 'PU');
  await pu.looked();
  expect(pu.refusal()).toBe('TRUST_LIST_UNUSABLE tsl.environment');
});

test('out of date it is an alarm, past the grace time nothing is trusted, and a new one mends that (CRT-05)', async () => {
  let published: string | Error = listOf();
  const k = keep(() => published);
  await k.looked();
  published = new EgressError('TIMEOUT', 'test', { bytesSent: false });
  k.clock.now = START + 7 * DAY + 1000;
  await k.again();
  expect([k.errors, k.refusal()]).toEqual([['trust-service list out of date'], 'in force']);
  k.clock.now = START + 37 * DAY - 1;
  expect(k.refusal()).toBe('in force');
  k.clock.now = START + 37 * DAY;
  expect(k.refusal()).toBe('TRUST_LIST_UNUSABLE tsl.grace');
  published = listOf({ sequence: 30, issued: k.clock.now - DAY, nextUpdate: k.clock.now + DAY });
  await k.again();
  expect(k.names()).toEqual(mine);
});

describe('over a start', () => {
  const path = () => join(directory.path, 'tsl.xml');
  async function oneStart(): Promise<void> {
    const first = keep(() => listOf());
    await first.looked();
    first.keeper.stop();
    expect(first.timers.every((one) => one.gone)).toBe(true);
  }
  const none = () => new EgressError('UNREACHABLE', 'test', { bytesSent: false });

  test('the list is there at once, without the network', async () => {
    await oneStart();
    expect(keep(none).names()).toEqual(mine);
  });

  test('an older one is still older', async () => {
    await oneStart();
    const k = keep(() => listOf({ sequence: 9 }));
    await k.looked();
    expect(k.checks()).toEqual(['tsl.sequence']);
  });

  test('a kept list that somebody changed is not believed', async () => {
    await oneStart();
    writeFileSync(path(), readFileSync(path(), 'utf8').replace('TEST-ONLY<', 'TEST-0NLY<'));
    const k = keep(none);
    expect(k.checks()).toEqual(['tsl.signature']);
    expect(k.refusal()).toBe('TRUST_LIST_UNUSABLE tsl.none');
  });
});

test('a signer file that cannot be read is refused at the start', () => {
  const signerFile = secretFile(directory.path, 'none.pem', 'no certificate');
  const options = {
    fetch: async () => Buffer.of(),
    now: () => START,
    timer: () => () => {},
    log: silentLogger,
    onFailure: () => {},
  };
  const settings = {
    environment: 'SIM' as const,
    dataDirectory: directory.path,
    trust: { tsl: { signerFile, graceDays: 1 } },
  };
  expect(() => keepTrustList({ ...options, settings })).toThrow(/trust\.tsl\.signerFile/);
});
