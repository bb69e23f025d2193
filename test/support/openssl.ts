// The openssl command as an outside judge of signatures. A machine without it skips these tests under a name that says so.
import { execFileSync, spawnSync } from 'node:child_process';
import type { KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';

const installed = spawnSync('openssl', ['version']).status === 0;

/** A test that needs the openssl command. */
export function testWithOpenssl(name: string, body: () => void | Promise<void>): void {
  if (installed) test(name, body);
  else test.skip(`${name} [skipped: no openssl command]`, body);
}

/** Does `openssl pkeyutl -verify` accept the DER signature over this hash? */
export function opensslVerifies(o: { sha256: Uint8Array; signature: Uint8Array; key: KeyObject }): boolean {
  return inFolder((folder) => {
    writeFileSync(join(folder, 'hash'), o.sha256);
    writeFileSync(join(folder, 'signature'), o.signature);
    writeFileSync(join(folder, 'key.pem'), o.key.export({ format: 'pem', type: 'spki' }));
    const files = ['-inkey', 'key.pem', '-pubin', '-in', 'hash', '-sigfile', 'signature'];
    return spawnSync('openssl', ['pkeyutl', '-verify', ...files], { cwd: folder }).status === 0;
  });
}

/** A DER signature over the data (hashed with SHA-256) made by `openssl dgst`. */
export function opensslSigns(data: string, privateKey: KeyObject): Uint8Array {
  return inFolder((folder) => {
    writeFileSync(join(folder, 'data'), data);
    writeFileSync(join(folder, 'key.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }));
    return execFileSync('openssl', ['dgst', '-sha256', '-sign', 'key.pem', 'data'], { cwd: folder });
  });
}

function inFolder<T>(act: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-'));
  try {
    return act(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
