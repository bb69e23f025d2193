// First-contact faults on the way to a Konnektor: address, proxy, TLS, our certificate, what it says of itself, the clock (OPS-06).
import {
  clientOf,
  file,
  freePort,
  konnektor,
  nobody,
  type PlantedFault,
  simulator,
  speaking,
  strangerClient,
  strangers,
} from '../support/doctor-bench.ts';

export const ON_THE_WAY_TO_THE_KONNEKTOR: PlantedFault[] = [
  [
    'a Konnektor that hangs',
    'konnektor-tls',
    'konnektor-tls.silent',
    () => ({ control: ['PATCH', '/sim/konnektors/k1', { hanging: true }] }),
    /accepts the connection .* restart/,
  ],
  [
    'a Konnektor that hangs after TLS',
    'connector-sds',
    'connector-sds.silent',
    () => ({ control: ['POST', '/sim/faults', { at: 'konnektor.connector.sds', kind: 'hang' }] }),
    /accepts the connection .* restart/,
  ],
  [
    'a port that ends what is not HTTP',
    'konnektor-tls',
    'konnektor-tls.connection-ended',
    () => ({ settings: konnektor({ url: `https://${new URL(simulator().ready.control).host}` }) }),
    /speaks no TLS/,
  ],
  [
    'a port that answers in plain HTTP',
    'konnektor-tls',
    'konnektor-tls.no-tls',
    async () => ({
      settings: konnektor({ url: `https://127.0.0.1:${await speaking('HTTP/1.1 400 Bad Request\r\n\r\n')}` }),
    }),
    /not in TLS/,
  ],
  [
    'no client certificate in the settings',
    'client-certificate',
    'client-certificate.none',
    () => ({ settings: konnektor(nobody) }),
    /no client certificate is set/,
  ],
  [
    'a password where a certificate is wanted',
    'client-certificate',
    'client-certificate.password',
    () => ({
      settings: konnektor({
        ...nobody,
        basicAuthentication: { user: 'somebody', passwordFile: file('password', 'no password of it') },
      }),
    }),
    /basicAuthentication/,
  ],
  [
    'a web server in the place of the proxy',
    'proxy',
    'proxy.no-proxy',
    () => ({ settings: konnektor({ proxy: { url: simulator().ready.control } }) }),
    /answers at proxy\.url, but not as a proxy/,
  ],
  [
    'a proxy that says it is a web server',
    'proxy',
    'proxy.no-proxy',
    async () => ({
      settings: konnektor({
        proxy: { url: `http://127.0.0.1:${await speaking('HTTP/1.1 405 Method Not Allowed\r\n\r\n')}` },
      }),
    }),
    /not as a proxy/,
  ],
  [
    'a proxy that cannot reach the Konnektor',
    'proxy',
    'proxy.target-unreachable',
    async () => ({
      settings: konnektor({
        proxy: { url: `http://127.0.0.1:${await speaking('HTTP/1.1 502 Bad Gateway\r\n\r\n')}` },
      }),
    }),
    /cannot reach the Konnektor itself/,
  ],
  [
    'a name that nobody knows',
    'dns',
    'dns.unknown-name',
    () => ({ settings: konnektor({ url: 'https://konnektor.invalid:443' }) }),
  ],
  [
    'a proxy that is not there',
    'proxy',
    'proxy.unreachable',
    async () => ({ settings: konnektor({ proxy: { url: `http://127.0.0.1:${await freePort()}` } }) }),
  ],
  [
    'nobody at the port',
    'konnektor-tcp',
    'konnektor-tcp.unreachable',
    async () => ({ settings: konnektor({ url: `https://127.0.0.1:${await freePort()}` }) }),
  ],
  [
    'an anchor that is not its own',
    'konnektor-tls',
    'konnektor-tls.untrusted',
    () => ({ settings: konnektor({ caFile: strangers() }) }),
  ],
  [
    'another name in its certificate',
    'konnektor-tls',
    'konnektor-tls.name',
    () => ({ settings: konnektor({ serverName: 'konnektor.example' }) }),
  ],
  [
    'pins that it does not meet',
    'konnektor-tls',
    'konnektor-tls.pin',
    () => ({
      settings: konnektor({ pins: [Buffer.alloc(32, 1).toString('base64'), Buffer.alloc(32, 2).toString('base64')] }),
    }),
  ],
  [
    'an expired certificate of the Konnektor',
    'konnektor-tls',
    'konnektor-tls.ended',
    () => ({ control: ['POST', '/sim/faults', { at: 'konnektor.tls', kind: 'expired' }] }),
  ],
  [
    'a client certificate of somebody else',
    'client-certificate',
    'client-certificate',
    () => ({ settings: konnektor(strangerClient()) }),
  ],
  [
    'a client certificate that has ended',
    'client-certificate',
    'client-certificate',
    () => ({ settings: konnektor(clientOf(new Date(Date.now() - 86_400_000))) }),
  ],
  [
    'no connector.sds there',
    'connector-sds',
    'connector-sds.unreadable',
    () => ({
      control: ['POST', '/sim/faults', { at: 'konnektor.connector.sds', kind: 'http-status', params: { status: 404 } }],
    }),
  ],
  ['our clock an hour ahead', 'clock', 'clock.off', () => ({ now: () => Date.now() + 3_600_000 })],
  ['our clock an hour behind', 'clock', 'clock.off', () => ({ now: () => Date.now() - 3_600_000 })],
];
