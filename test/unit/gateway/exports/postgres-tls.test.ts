// The way to PostgreSQL against a real server that takes nothing without TLS and a password: our anchors and the name count
// (SEC-01, SEC-02), with a certificate on brainpoolP256r1, at which Node would die without the guard (SEC-05).
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../../../gateway/exports/store.ts';
import { type PostgresServer, postgresPrograms, startPostgres } from '../../../support/postgres-server.ts';
import { opensslInstalled } from '../../../support/tls-pki.ts';

const PASSWORD = 'a-marked-password';

describe.runIf(postgresPrograms() !== undefined && opensslInstalled)('PostgreSQL behind TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'epa-postgres-tls-'));
  const file = (name: string) => join(folder, name);
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' });
  let server: PostgresServer | undefined;
  let port = '';

  beforeAll(async () => {
    for (const name of ['ca', 'otherCa', 'server'])
      openssl('ecparam', '-name', 'brainpoolP256r1', '-genkey', '-noout', '-out', `${name}.key`);
    for (const name of ['ca', 'otherCa']) {
      const subject = ['-subj', `/CN=TEST-ONLY ${name}`, '-addext', 'basicConstraints=critical,CA:TRUE'];
      openssl('req', '-x509', '-new', '-key', `${name}.key`, ...subject, '-days', '2', '-out', `${name}.pem`);
    }
    writeFileSync(file('san.cnf'), 'subjectAltName=IP:127.0.0.1');
    openssl('req', '-new', '-key', 'server.key', '-subj', '/CN=TEST-ONLY database', '-out', 'server.csr');
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'san.cnf'];
    openssl('x509', '-req', '-in', 'server.csr', ...signed, '-out', 'server.pem');
    writeFileSync(file('password'), `${PASSWORD}\n`, { mode: 0o600 });
    writeFileSync(file('wrong'), 'another-password', { mode: 0o600 });
    const settings = [
      'ssl=on',
      'ssl_cert_file=server.pem',
      'ssl_key_file=server.key',
      'ssl_ecdh_curve=brainpoolP256r1',
    ];
    // OpenSSL knows brainpool signatures in TLS 1.3 from 3.2 on only.
    server = await startPostgres([...settings, 'ssl_max_protocol_version=TLSv1.2'], (data) => {
      const { uid, gid } = statSync(data);
      for (const name of ['server.pem', 'server.key']) {
        execFileSync('cp', [file(name), join(data, name)]);
        chmodSync(join(data, name), 0o600);
        if (process.getuid?.() === 0) chownSync(join(data, name), uid, gid);
      }
      // The first line is for the test alone, to make the user; the gateway's comes by TLS or not at all.
      const rules = 'host all postgres 127.0.0.1/32 trust\nhostssl all epa 127.0.0.1/32 scram-sha-256\n';
      writeFileSync(join(data, 'pg_hba.conf'), rules);
    });
    port = new URL(server?.url ?? '').port;
    const psql = ['-h', '127.0.0.1', '-p', port, '-U', 'postgres', '-c'];
    execFileSync('psql', [
      ...psql,
      `CREATE ROLE epa LOGIN PASSWORD '${PASSWORD}'`,
      '-c',
      'CREATE DATABASE epa OWNER epa',
    ]);
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true });
  });

  const open = (change: { caFile?: string; passwordFile?: string; host?: string } = {}) => {
    const { host = '127.0.0.1', ...files } = change;
    const given = { caFile: file('ca.pem'), passwordFile: file('password'), ...files };
    return openStore(folder, {
      url: `postgres://epa@${host}:${port}/epa`,
      schema: 'epa_gateway',
      querySeconds: 30,
      ...given,
    });
  };

  test('opens by its anchors and its password, inside TLS', async () => {
    const db = await open();
    const seen = await sql<{ ssl: boolean; cipher: string }>`
      SELECT ssl, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()`.execute(db);
    expect(seen.rows).toEqual([{ ssl: true, cipher: 'ECDHE-ECDSA-AES256-GCM-SHA384' }]);
    await db.destroy();
  });

  test.each([
    ['anchors that are not its own', { caFile: 'otherCa.pem' }],
    ['a name that its certificate does not carry', { host: 'localhost' }],
    ['a wrong password', { passwordFile: 'wrong' }],
  ])('%s: refused, and the password is not said', async (_what, change) => {
    const given = Object.fromEntries(
      Object.entries(change).map(([key, value]) => [key, key === 'host' ? value : file(value)]),
    );
    const refused = await open(given).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(refused).toMatchObject({ code: 'STORE_UNREACHABLE' });
    expect(String(refused)).not.toContain(PASSWORD);
  });

  test('without anchors it does not fall back to a way without TLS: the server refuses', async () => {
    const url = `postgres://epa@127.0.0.1:${port}/epa`;
    const opening = openStore(folder, { url, schema: 'epa_gateway', querySeconds: 30, passwordFile: file('password') });
    await expect(opening).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
  });
});
