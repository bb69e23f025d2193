// A complete gateway configuration that fits this simulator (api.md section 4, GET /sim/settings), and the files it names:
// in a fresh directory of mode 0700, each of mode 0600, removed when the simulator stops.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Issued, mintLeaf, mintRoot } from '../certs/mint.ts';
import { CONTEXT, FIRST_KONNEKTOR, type KonnektorHolder, konnektorsOf } from './konnektor/default-konnektor.ts';
import type { Addresses } from './parts.ts';
import type { SimPki } from './pki.ts';
import { RECORD_SYSTEMS } from './records.ts';
import { DEMO_TELEMATIK_ID } from './world.ts';

export const DEMO_DIGA = 'demo';
export const KONNEKTOR_NAME = 'konnektor.konlan';

type Listen = { host: string; port: number; tls?: { certFile: string; keyFile: string } };

/** The gateway's configuration as the contract of both sides has it; all paths absolute. */
export type GatewaySettingsJson = {
  environment: 'SIM';
  clock?: string;
  listen: Listen;
  admin: Listen;
  masterKeyFile: string;
  userAgent: string;
  trust: {
    rootsFile: string;
    intermediatesFile?: string;
    ocspSignersFile?: string;
    tsl?: { url: string; signerFile: string };
    ocsp?: { url: string };
  };
  konnektors: {
    id: string;
    url: string;
    serverName: string;
    caFile: string;
    basicAuthentication?: { user: string; passwordFile: string };
    clientCertificate: string;
    clientKey: string;
    mandant: string;
    clientSystem: string;
    workplace: string;
    events?: {
      listen: { host: string; port: number; tls?: { certFile: string; keyFile: string; clientCaFile: string } };
    };
  }[];
  idp: { issuer: string; caFile: string };
  recordSystems: { id: string; url: string; caFile: string }[];
  digas: {
    id: string;
    name: string;
    manufacturer: string;
    telematikId: string;
    konnektors: string[];
    app: {
      veId: string;
      pzn: string;
      versions: { name: string; value: string }[];
      manufacturer: {
        url: string;
        address: { street: string; houseNumber: string; postalCode: string; city: string; country: string };
      };
    };
    mioVersions: string[];
    webhooks?: { id: string; url: string; secretFile: string }[];
  }[];
  clients: { id: string; diga: string; roles: string[]; keyFile: string }[];
  operators: { id: string; roles: string[]; keyFile: string }[];
};

const fileNames = {
  caFile: 'ca.pem',
  rootsFile: 'ti-roots.pem',
  intermediatesFile: 'ti-intermediates.pem',
  ocspSignersFile: 'ocsp-signers.pem',
  tslSigner: 'tsl-signer.pem',
  konnektorCa: 'konnektor-ca.pem',
  clientCertificate: 'client.pem',
  clientKey: 'client-key.pem',
  masterKey: 'master.key',
  backendKey: 'demo-backend.key',
  operatorKey: 'demo-operator.key',
  webhookSecret: 'demo-webhook.secret',
  gatewayCertificate: 'gateway.pem',
  gatewayKey: 'gateway-key.pem',
} as const;

export type WireFiles = Record<keyof typeof fileNames, string> & {
  secrets: { webhook: string };
  /** Writes anchors and authorities as they are now. */
  refresh(): void;
  remove(): void;
};

/** Certificate with what lies between it and its root, as a TLS server or client sends it. */
export function chainPem(leaf: Issued, ca: Issued): string {
  return `${leaf.certPem.trimEnd()}\n${ca.certPem}`;
}

/**
 * Writes every file a gateway needs; `directory` stays until `remove`. `masterKeyFile` names a key that stays for good, for
 * a gateway whose data directory outlives this simulator; it is made where there is none.
 */
export function writeWireFiles(pki: SimPki, masterKeyFile?: string): WireFiles {
  if (masterKeyFile !== undefined && !existsSync(masterKeyFile))
    writeFileSync(masterKeyFile, randomBytes(32), { mode: 0o600, flag: 'wx' });
  const directory = mkdtempSync(join(tmpdir(), 'epa-sim-')); // mkdtemp makes it 0700
  // The gateway's own listeners speak to DiGA backends, whose TLS libraries mostly know no brainpool: P-256 all the way up.
  const gatewayRoot = mintRoot('Gateway Root CA', { curve: 'P-256' });
  const gatewayTls = mintLeaf(gatewayRoot, {
    commonName: 'gateway',
    curve: 'P-256',
    dns: ['localhost'],
    ip: ['127.0.0.1'],
    extendedKeyUsage: ['serverAuth'],
  });
  const pems = (...all: Issued[]) => all.map((one) => `${one.certPem.trimEnd()}\n`).join('');
  const webhook = `whsec_${randomBytes(32).toString('base64')}`;
  /** What a renewal changes (renewals.ts). */
  const trust = () => ({
    caFile: pems(pki.tiRoot, pki.konnektorRoot, gatewayRoot),
    rootsFile: pems(pki.tiRoot),
    intermediatesFile: pems(pki.smcbCa, pki.componentCa),
    ocspSignersFile: pems(pki.ocspSigner),
    tslSigner: pems(pki.tslCa),
  });
  const contents: Record<keyof typeof fileNames, string | Uint8Array> = {
    ...trust(),
    konnektorCa: pems(pki.konnektorRoot),
    clientCertificate: chainPem(pki.clientCertificate, pki.konnektorCa),
    clientKey: pki.clientCertificate.keyPem,
    masterKey: randomBytes(32),
    backendKey: `sim_${randomBytes(24).toString('base64url')}\n`,
    operatorKey: `sim_${randomBytes(24).toString('base64url')}\n`,
    webhookSecret: `${webhook}\n`,
    gatewayCertificate: gatewayTls.certPem,
    gatewayKey: gatewayTls.keyPem,
  };
  const paths = Object.entries(fileNames).map(([key, name]) => [key, join(directory, name)] as const);
  for (const [key, path] of paths) writeFileSync(path, contents[key as keyof typeof fileNames], { mode: 0o600 });
  // Also when the process ends without stop(): keys do not outlive it.
  const remove = () => rmSync(directory, { recursive: true, force: true });
  process.once('exit', remove);
  return {
    ...(Object.fromEntries(paths) as Record<keyof typeof fileNames, string>),
    ...(masterKeyFile !== undefined && { masterKey: resolve(masterKeyFile) }),
    secrets: { webhook },
    refresh() {
      for (const [key, text] of Object.entries(trust())) {
        const path = join(directory, fileNames[key as keyof typeof fileNames]);
        // in one step, since a gateway may be reading it
        writeFileSync(`${path}.new`, text, { mode: 0o600 });
        renameSync(`${path}.new`, path);
      }
    },
    remove() {
      process.off('exit', remove);
      remove();
    },
  };
}

export type SettingsFlags = {
  tls?: boolean;
  webhooks?: boolean;
  /** CAs and OCSP responders by the trust-service list instead of files. */
  tsl?: boolean;
  /** The gateway follows this simulator's clock (D17). */
  clock?: boolean;
  /** The gateway asks whether its cards are revoked (CRT-04). */
  ocsp?: boolean;
  /** The gateway hears the events of every Konnektor, on a free port (konnektor.md 5). */
  events?: boolean;
};

/** The receiver of events shows the certificate that the Konnektor issued to its client, and asks for the Konnektor's (konnektor.md 5). */
function sinkTls(files: WireFiles, cetp: KonnektorHolder['cetp']) {
  if (cetp === 'tcp') return {};
  const { clientCertificate: certFile, clientKey: keyFile, konnektorCa: clientCaFile } = files;
  return { tls: { certFile, keyFile, clientCaFile } };
}

/**
 * `gatewayPort` 0 lets the gateway choose; `tls` puts its own listeners behind a certificate under `caFile`; `webhooks` has the
 * events told to the simulator's own receiver.
 */
export function gatewaySettings(
  o: {
    files: WireFiles;
    addresses: Addresses;
    gatewayPort: number;
    /** All of the world; without it the first alone. */
    konnektors?: readonly KonnektorHolder[];
  } & SettingsFlags,
): GatewaySettingsJson {
  const { files, addresses } = o;
  const konnektors = o.konnektors ?? [
    {
      id: FIRST_KONNEKTOR,
      url: addresses.konnektor,
      serverName: KONNEKTOR_NAME,
      caFile: files.konnektorCa,
      telematikIds: [DEMO_TELEMATIK_ID],
    },
  ];
  const tls = o.tls === true ? { tls: { certFile: files.gatewayCertificate, keyFile: files.gatewayKey } } : undefined;
  return {
    environment: 'SIM',
    ...(o.clock === true && { clock: addresses.control }),
    listen: { host: '127.0.0.1', port: o.gatewayPort, ...tls },
    admin: { host: '127.0.0.1', port: o.gatewayPort === 0 ? 0 : o.gatewayPort + 1, ...tls },
    masterKeyFile: files.masterKey,
    userAgent: 'EPAGATEWAYSIM0000001/0.1.0',
    trust: {
      rootsFile: files.rootsFile,
      ...(o.tsl === true
        ? { tsl: { url: `${addresses.ocsp}/TSL.xml`, signerFile: files.tslSigner } }
        : { intermediatesFile: files.intermediatesFile, ocspSignersFile: files.ocspSignersFile }),
      ...(o.ocsp === true && { ocsp: { url: `${addresses.ocsp}/ocsp` } }),
    },
    konnektors: konnektors.map(({ id, url, serverName, caFile, basicAuthentication, context = CONTEXT, cetp }) => ({
      id,
      url,
      serverName,
      caFile,
      ...(basicAuthentication !== undefined && { basicAuthentication }),
      clientCertificate: files.clientCertificate,
      clientKey: files.clientKey,
      ...context,
      ...(o.events === true && { events: { listen: { host: '127.0.0.1', port: 0, ...sinkTls(files, cetp) } } }),
    })),
    idp: { issuer: addresses.idp, caFile: files.rootsFile },
    recordSystems: RECORD_SYSTEMS.map((id) => ({ id, url: addresses.recordSystems[id], caFile: files.rootsFile })),
    digas: [
      {
        id: DEMO_DIGA,
        name: 'Demo DiGA',
        manufacturer: 'Demo DiGA GmbH',
        telematikId: DEMO_TELEMATIK_ID,
        konnektors: konnektorsOf(konnektors, DEMO_TELEMATIK_ID),
        app: {
          veId: 'DEMO-0001',
          pzn: '00000017',
          versions: [{ name: 'Softwareversion', value: '1.0' }],
          manufacturer: {
            url: 'https://demo-diga.example',
            address: { street: 'Musterweg', houseNumber: '1', postalCode: '10115', city: 'Berlin', country: 'D' },
          },
        },
        mioVersions: ['1.1.0'],
        ...(o.webhooks === true && {
          webhooks: [{ id: 'sim', url: `${addresses.control}/sim/webhooks/demo`, secretFile: files.webhookSecret }],
        }),
      },
    ],
    clients: [
      { id: 'demo-backend', diga: DEMO_DIGA, roles: ['writer', 'reader', 'monitor'], keyFile: files.backendKey },
    ],
    operators: [{ id: 'demo-operator', roles: ['operator', 'security', 'monitor'], keyFile: files.operatorKey }],
  };
}
