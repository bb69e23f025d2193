// Trust anchors follow their files without a restart, and what cannot be read takes no trust away and gives none (CRT-05, OPS-05).
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Issued, mintCa, mintRoot } from '../../../certs/mint.ts';
import type { Logger } from '../../../gateway/log.ts';
import { silentLogger } from '../../../gateway/log.ts';
import { LOOK_EVERY_MS, openTrustAnchors } from '../../../gateway/trust-anchors.ts';
import { gatewayErrorOf } from '../../support/gateway-error.ts';
import { temporaryDirectory } from '../../support/gateway-fakes.ts';

const root = mintRoot('TI Root CA');
const second = mintRoot('TI Root CA 2');
const ca = mintCa(root, 'Komponenten-CA');
const [publicRoot = ''] = rootCertificates;

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
  write('roots', root);
  write('cas', ca);
  write('ocsp', ca);
});
afterEach(() => directory.remove());

const pathOf = (name: string) => join(directory.path, `${name}.pem`);
/** As an operator should: another file in its place. */
function put(name: string, text: string): void {
  writeFileSync(`${pathOf(name)}.new`, text);
  renameSync(`${pathOf(name)}.new`, pathOf(name));
}
const write = (name: string, ...issued: Issued[]) => put(name, issued.map((one) => one.certPem).join('\n'));

function open(environment: 'SIM' | 'PU' = 'SIM') {
  const timers: { ms: number; fire: () => void; gone: boolean }[] = [];
  const errors: string[] = [];
  const log: Logger = { ...silentLogger, error: (event, fields) => void errors.push(`${event}: ${fields?.check}`) };
  const source = openTrustAnchors({
    settings: {
      environment,
      trust: { rootsFile: pathOf('roots'), intermediatesFile: pathOf('cas'), ocspSignersFile: pathOf('ocsp') },
    },
    log,
    timer: (ms, fire) => {
      const one = { ms, fire, gone: false };
      timers.push(one);
      return () => {
        one.gone = true;
      };
    },
  });
  let changes = 0;
  source.onChange(() => {
    changes += 1;
  });
  return {
    source,
    timers,
    errors,
    changes: () => changes,
    roots: () => source.anchors().roots.map((one) => one.commonName),
  };
}

test('a root that was put in is trusted at the next look, one that was taken out no more, and both are told', () => {
  const { roots, changes } = open();
  expect(roots()).toEqual(['TI Root CA TEST-ONLY']);
  write('roots', root, second);
  expect(roots()).toHaveLength(2);
  write('roots', second);
  expect(roots()).toEqual(['TI Root CA 2 TEST-ONLY']);
  expect(changes()).toBe(2);
});

test('a change of each of the three files is one', () => {
  const { source, changes } = open();
  for (const name of ['roots', 'cas', 'ocsp']) {
    write(name, root, second);
    source.anchors();
  }
  expect(changes()).toBe(3);
});

test('nothing is read or told while the files stay as they are', () => {
  const { source, changes } = open();
  expect(source.anchors()).toBe(source.anchors());
  expect(changes()).toBe(0);
});

test('a change is found also when nobody asks, and not after the end', () => {
  const { source, timers, changes } = open();
  write('roots', second);
  expect(timers.map((one) => one.ms)).toEqual([LOOK_EVERY_MS]);
  timers[0]?.fire();
  expect(changes()).toBe(1);
  expect(timers).toHaveLength(2);
  source.stop();
  expect(timers[1]?.gone).toBe(true);
});

describe.each<[string, () => void]>([
  ['is gone', () => rmSync(pathOf('roots'))],
  ['is empty', () => put('roots', '')],
  ['is cut in the middle', () => put('roots', root.certPem.slice(0, 300))],
  ['holds no certificate', () => put('roots', 'no certificate')],
  ['holds a broken one beside a good one', () => put('roots', `${root.certPem}\n-----BEGIN CERTIFICATE-----\nAAAA\n`)],
  ['holds one of another environment', () => put('roots', `${root.certPem}\n${publicRoot}`)],
])('a file that %s', (_what, spoil) => {
  test('leaves the anchors of before in force, is told once, and read again when it has changed', () => {
    const { source, roots, errors, changes } = open();
    spoil();
    expect(roots()).toEqual(['TI Root CA TEST-ONLY']);
    source.anchors();
    expect(errors).toEqual(['trust anchors not read, those of before stay: trust.rootsFile']);
    expect(changes()).toBe(0);
    write('roots', second);
    expect(roots()).toEqual(['TI Root CA 2 TEST-ONLY']);
    expect(changes()).toBe(1);
  });

  test('at the start is refused by name', async () => {
    spoil();
    expect(await gatewayErrorOf(() => open())).toMatchObject({ code: 'CONFIG_INVALID', check: 'trust.rootsFile' });
  });
});

test('the anchors of a simulator are none in PU (OPS-05)', async () => {
  expect(await gatewayErrorOf(() => open('PU'))).toMatchObject({ code: 'CONFIG_INVALID', check: 'trust.rootsFile' });
});
