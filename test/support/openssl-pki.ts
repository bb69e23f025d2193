// The openssl command as an outside judge and maker of certificates and OCSP answers, in a folder of its own.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type OpensslFolder = {
  /** Runs openssl with these words; both outputs together, since it reports on either. */
  run: (...words: string[]) => { ok: boolean; output: string };
  write: (name: string, content: string | Uint8Array) => void;
  read: (name: string) => Buffer;
};

/** Gives `act` a folder that is removed afterwards. */
export function inOpensslFolder<T>(act: (folder: OpensslFolder) => T): T {
  const path = mkdtempSync(join(tmpdir(), 'openssl-pki-'));
  try {
    return act({
      run: (...words) => {
        const result = spawnSync('openssl', words, { cwd: path, encoding: 'utf8' });
        return { ok: result.status === 0, output: `${result.stdout}${result.stderr}` };
      },
      write: (name, content) => writeFileSync(join(path, name), content),
      read: (name) => readFileSync(join(path, name)),
    });
  } finally {
    rmSync(path, { recursive: true });
  }
}
