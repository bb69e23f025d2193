// Everything a gateway meets outside, in foreign hands: Konnektor, IDP and one record system with a PKI of their own, and the
// settings that lead there.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Issued, mintCa, mintLeaf, mintRoot } from '../../certs/mint.ts';
import { createOcspResponse } from '../../certs/ocsp.ts';
import { type IdpManner, startIdp } from './foreign-idp.ts';
import { type KonnektorManner, startKonnektor } from './foreign-konnektor.ts';
import { type RecordManner, startRecordSystem } from './foreign-record-system.ts';

const DAY = 86_400_000;
const YEAR = 365 * DAY;
export const TELEMATIK_ID = '9-SMC-B-Testkarte-883110000145356';

export type SiteManner = {
  konnektor: KonnektorManner;
  idp: IdpManner;
  recordSystem: RecordManner;
  /** The Location of the authorization request leads to another origin of the IDP than its issuer (idp.origins). */
  twoOrigins?: boolean;
};

export type ForeignSite = Awaited<ReturnType<typeof startForeignSite>>;

export async function startForeignSite(manner: SiteManner, active: (kvnr: string) => boolean) {
  const now = Date.now;
  const at = now();
  const caLife = { notBefore: new Date(at - 3 * YEAR), notAfter: new Date(at + 3 * YEAR) };
  const life = { notBefore: new Date(at - DAY), notAfter: new Date(at + YEAR) };
  const root = mintRoot('Fremde Root', caLife);
  const ca = mintCa(root, 'Fremde Komponenten-CA', caLife);
  const admission = (oid: string, registrationNumber?: string) => ({
    professionItems: ['TEST-ONLY'],
    professionOids: [oid],
    registrationNumber,
  });
  const leaf = (commonName: string, o: Omit<Parameters<typeof mintLeaf>[1], 'commonName'>) =>
    mintLeaf(ca, { commonName, ...life, ...o });
  const server = (commonName: string) =>
    leaf(commonName, { dns: [commonName, 'localhost'], ip: ['127.0.0.1'], extendedKeyUsage: ['serverAuth'] });
  const chain = (issued: Issued) => ({ cert: issued.certPem + ca.certPem, key: issued.keyPem });
  const ocspSigner = leaf('OCSP', { keyUsage: ['digitalSignature'], extendedKeyUsage: ['OCSPSigning'] });
  const card = leaf('DiGA', {
    keyUsage: ['digitalSignature'],
    admission: admission('1.2.276.0.76.4.282', TELEMATIK_ID),
  });
  const vau = leaf('VAU', { keyUsage: ['digitalSignature'], admission: admission('1.2.276.0.76.4.209') });
  const idpSigner = leaf('IDP', { keyUsage: ['digitalSignature'], admission: admission('1.2.276.0.76.4.260') });
  const client = leaf('client', { extendedKeyUsage: ['clientAuth'] });

  const codes = new Map<string, string>();
  const idpOptions = {
    signer: { certificateDer: idpSigner.certificate.der, privateKey: idpSigner.privateKey },
    manner: manner.idp,
    onCode: (code: string, owner: string) => void codes.set(code, owner),
    now,
  };
  const idp = await startIdp({ ...idpOptions, tls: chain(server('idp')) });
  const otherIdp =
    manner.twoOrigins === true ? await startIdp({ ...idpOptions, tls: chain(server('idp2')), as: idp }) : undefined;
  const recordSystem = await startRecordSystem({
    tls: chain(server('epa-as-1')),
    vau: {
      certificateDer: vau.certificate.der,
      caDer: ca.certificate.der,
      rootDer: root.certificate.der,
      privateKey: vau.privateKey,
      ocsp: () =>
        createOcspResponse({
          certificate: vau.certificate,
          issuer: ca.certificate,
          status: 'good',
          producedAt: new Date(now()),
          signer: ocspSigner,
        }),
    },
    manner: manner.recordSystem,
    idp: () => (otherIdp ?? idp).origin,
    redeem(code) {
      const owner = codes.get(code);
      codes.delete(code);
      return owner;
    },
    active,
    now,
  });
  const konnektorLeaf = leaf('80276883110000000001-20260101', {
    dns: ['konnektor.konlan'],
    extendedKeyUsage: ['serverAuth'],
  });
  const konnektor = await startKonnektor({
    tls: { ...chain(konnektorLeaf), clientCa: root.certPem + ca.certPem },
    card: { certificateDer: card.certificate.der, privateKey: card.privateKey, iccsn: '80276883110000145356' },
    manner: manner.konnektor,
  });

  const folder = mkdtempSync(join(tmpdir(), 'epa-foreign-'));
  const file = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };
  const rootFile = file('root.pem', root.certPem);
  const settings = {
    environment: 'SIM',
    dataDirectory: join(folder, 'data'),
    listen: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
    masterKeyFile: file('master.key', randomBytes(32)),
    userAgent: 'FOREIGNSITE000000001/1.0.0',
    trust: {
      rootsFile: rootFile,
      intermediatesFile: file('ca.pem', ca.certPem),
      ocspSignersFile: file('ocsp.pem', ocspSigner.certPem),
    },
    konnektors: [
      {
        id: 'k1',
        url: konnektor.origin,
        serverName: 'konnektor.konlan',
        caFile: rootFile,
        clientCertificate: file('client.pem', client.certPem + ca.certPem),
        clientKey: file('client.key', client.keyPem),
        mandant: 'Mandant_1',
        clientSystem: 'DiGA-Gateway',
        workplace: 'WP1',
      },
    ],
    idp: {
      issuer: idp.origin,
      caFile: rootFile,
      ...(otherIdp !== undefined && { origins: [{ origin: otherIdp.origin, caFile: rootFile }] }),
    },
    recordSystems: [{ id: 'epa-as-1', url: recordSystem.origin, caFile: rootFile }],
    digas: [
      { id: 'demo', name: 'DiGA & Söhne', manufacturer: 'Fremd^GmbH', telematikId: TELEMATIK_ID, konnektors: ['k1'] },
    ],
    clients: [
      {
        id: 'backend',
        diga: 'demo',
        roles: ['writer', 'reader'],
        keyFile: file('backend.key', `key_${'x'.repeat(40)}\n`),
      },
    ],
    operators: [
      {
        id: 'operator',
        roles: ['operator', 'security', 'monitor'],
        keyFile: file('operator.key', `op_${'y'.repeat(40)}\n`),
      },
    ],
  };
  return {
    settings,
    idp,
    otherIdp,
    recordSystem,
    konnektor,
    async stop() {
      await Promise.all([idp, otherIdp, recordSystem, konnektor].map((one) => one?.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
