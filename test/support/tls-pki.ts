// Certificates for the TLS tests, made by openssl in a folder of its own: two CAs, a server and a client on
// brainpoolP256r1, a server on P-256. Independent of certs/mint.ts, so that neither can hide a fault of the other.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type TlsPki = { folder: string; file: (name: string) => string; remove: () => void };

/** Is there an openssl command on this machine? */
export const opensslInstalled = spawnSync('openssl', ['version']).status === 0;

/** `ca`, `otherCa`, `server` (DNS konnektor.konlan), `client` on brainpoolP256r1 and `p256` (a server), as .pem and .key. */
export function mintTlsPki(): TlsPki {
  const folder = mkdtempSync(join(tmpdir(), 'tls-pki-'));
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' });
  const key = (name: string, curve: string) =>
    openssl('ecparam', '-name', curve, '-genkey', '-noout', '-out', `${name}.key`);
  for (const name of ['ca', 'otherCa']) {
    key(name, 'brainpoolP256r1');
    const subject = ['-subj', `/CN=TEST-ONLY ${name}`, '-addext', 'basicConstraints=critical,CA:TRUE'];
    openssl('req', '-x509', '-new', '-key', `${name}.key`, ...subject, '-days', '2', '-out', `${name}.pem`);
  }
  writeFileSync(join(folder, 'san.cnf'), 'subjectAltName=DNS:konnektor.konlan');
  for (const [name, curve] of [
    ['server', 'brainpoolP256r1'],
    ['client', 'brainpoolP256r1'],
    ['p256', 'prime256v1'],
  ] as const) {
    key(name, curve);
    const subject = `/O=TEST-ONLY, a\\+b/OU=one/OU=two/CN=${name}`;
    openssl('req', '-new', '-utf8', '-key', `${name}.key`, '-subj', subject, '-out', `${name}.csr`);
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'san.cnf'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-out', `${name}.pem`);
  }
  return {
    folder,
    file: (name) => readFileSync(join(folder, name), 'utf8'),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
