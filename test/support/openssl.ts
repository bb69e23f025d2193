// The openssl command as an outside judge of signatures. A machine without it skips these tests under a name that says so.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'vitest';

const version = spawnSync('openssl', ['version'], { encoding: 'utf8' });
const installed = version.status === 0;
const [major = 0, minor = 0] = (/^OpenSSL (\d+)\.(\d+)/.exec(version.stdout ?? '') ?? []).slice(1).map(Number);
/** Brainpool certificates in TLS 1.3 (RFC 8734) are known to the command since 3.2. */
const opensslKnowsBrainpoolTls13 = installed && (major > 3 || (major === 3 && minor >= 2));

/** A test that needs the openssl command. */
export function testWithOpenssl(name: string, body: () => void | Promise<void>): void {
  if (installed) test(name, body);
  else test.skip(`${name} [skipped: no openssl command]`, body);
}

/** A test in which the command meets a brainpool certificate over TLS 1.3. */
export function testWithBrainpoolTls13(name: string, body: () => void | Promise<void>): void {
  if (opensslKnowsBrainpoolTls13) test(name, body);
  else test.skip(`${name} [skipped: openssl before 3.2 knows no brainpool certificate in TLS 1.3]`, body);
}

/** Runs openssl beside this process, which may be the server it talks to; both outputs together. */
export async function openssl(...words: string[]): Promise<{ ok: boolean; output: string }> {
  const child = spawn('openssl', words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { ok: code === 0, output: out + err };
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
