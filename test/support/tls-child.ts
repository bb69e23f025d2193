// One TLS connection with client certificate inside a process of its own, which may die of it (SEC-05). Arguments: folder
// of test/support/tls-pki.ts, TLS version, and which side meets a brainpool certificate: `client` (its host-name check is
// the fatal call) or `server` (by asking for the client's). Loads nothing of ours: the parent adds the guard by --import.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';

const [folder = '', version, side] = process.argv.slice(2);
const file = (name: string) => readFileSync(join(folder, name), 'utf8');
const secureVersion: tls.SecureVersion = version === 'TLSv1.2' ? 'TLSv1.2' : 'TLSv1.3';
const profile = {
  ca: file('ca.pem'),
  minVersion: secureVersion,
  maxVersion: secureVersion,
  ecdhCurve: 'prime256v1:brainpoolP256r1',
};

const own = side === 'client' ? 'server' : 'p256';
const server = tls.createServer(
  { ...profile, cert: file(`${own}.pem`), key: file(`${own}.key`), requestCert: true, rejectUnauthorized: true },
  (socket) => {
    socket.end(side === 'client' ? 'welcome' : `welcome ${socket.getPeerCertificate().subject.CN}`);
  },
);
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
const client = tls.connect({
  ...profile,
  cert: file('client.pem'),
  key: file('client.key'),
  host: '127.0.0.1',
  port: typeof address === 'object' && address !== null ? address.port : 0,
  servername: 'konnektor.konlan',
});
client.setEncoding('utf8');
let text = '';
for await (const chunk of client) text += chunk;
process.stdout.write(text);
server.close();
