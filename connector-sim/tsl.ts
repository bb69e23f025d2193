// The trust-service list of the simulated TI at GET /TSL.xml (gemSpec_TSL; export-flow.md 1.8), written in canonical form so that
// what is signed is what is sent, and the same with exactly one thing wrong.
import { createHash, sign } from 'node:crypto';
import { type Issued, mintCa, mintLeaf, mintRoot } from '../certs/mint.ts';
import { TSL_SIGNING } from '../certs/tsl.ts';
import type { Fault } from './faults.ts';
import type { HttpAnswer } from './http-server.ts';
import { underFault } from './network-faults.ts';
import type { SimParts } from './parts.ts';
import type { SimPki } from './pki.ts';

const DAY = 86_400_000;
const TSL = 'http://uri.etsi.org/02231/v2#';
const DSIG = 'http://www.w3.org/2000/09/xmldsig#';
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const SERVICE = 'http://uri.etsi.org/TrstSvc/Svctype';
const IN_FORCE = 'http://uri.etsi.org/TrstSvc/Svcstatus/inaccord';
const REVOKED = 'http://uri.etsi.org/TrstSvc/Svcstatus/revoked';

/** Sequence numbers grow with time, one an hour, as lists are issued again and again. */
const sequenceAt = (now: number): number => Math.floor(now / 3_600_000);

export type TrustListOptions = {
  sequence: number;
  issued: number;
  nextUpdate: number;
  signer: Issued;
  services: readonly { type: 'CA/PKC' | 'Certstatus/OCSP'; status?: string; issued: Issued }[];
};

/** The document, signed by `signer`. */
export const writeTrustList = (o: TrustListOptions): string => signDocument(unsignedList(o), o.signer);

/** In canonical form. */
export function unsignedList(o: TrustListOptions): string {
  const root = 'TrustServiceStatusList';
  const attributes = `xmlns="${TSL}" TSLTag="http://uri.etsi.org/02231/TSLTag"`;
  return `<${root} ${attributes}>${schemeInformation(o)}${providerList(o)}</${root}>`;
}

/** A document in canonical form, with an enveloped signature as the last of its root. */
export function signDocument(canonical: string, signer: Issued): string {
  const end = canonical.lastIndexOf('</');
  const info = signedInfo(createHash('sha256').update(canonical).digest('base64'));
  const value = sign('sha256', Buffer.from(info), { key: signer.privateKey, dsaEncoding: 'ieee-p1363' });
  const certificate = Buffer.from(signer.certificate.der).toString('base64');
  const signature =
    `<ds:Signature xmlns:ds="${DSIG}">${info}<ds:SignatureValue>${value.toString('base64')}</ds:SignatureValue>` +
    `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${canonical.slice(0, end)}${signature}${canonical.slice(end)}`;
}

/** Canonical where it stands alone: its namespace is declared on itself. */
function signedInfo(digest: string): string {
  const algorithm = (element: string, uri: string) => `<ds:${element} Algorithm="${uri}"></ds:${element}>`;
  return (
    `<ds:SignedInfo xmlns:ds="${DSIG}">${algorithm('CanonicalizationMethod', EXCLUSIVE)}` +
    `${algorithm('SignatureMethod', 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256')}<ds:Reference URI=""><ds:Transforms>` +
    `${algorithm('Transform', `${DSIG}enveloped-signature`)}${algorithm('Transform', EXCLUSIVE)}</ds:Transforms>` +
    `${algorithm('DigestMethod', 'http://www.w3.org/2001/04/xmlenc#sha256')}<ds:DigestValue>${digest}</ds:DigestValue>` +
    `</ds:Reference></ds:SignedInfo>`
  );
}

const element = (name: string, content: string) => `<${name}>${content}</${name}>`;
const second = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;

function schemeInformation({ sequence, issued, nextUpdate }: TrustListOptions): string {
  const name = '<Name xml:lang="en">Simulated TI TEST-ONLY</Name>';
  const address =
    '<PostalAddresses><PostalAddress xml:lang="en"><StreetAddress>Musterweg 1</StreetAddress><Locality>Berlin</Locality>' +
    '<CountryName>DE</CountryName></PostalAddress></PostalAddresses>' +
    '<ElectronicAddress><URI>https://tsl.sim.epa4all.de</URI></ElectronicAddress>';
  return element(
    'SchemeInformation',
    [
      element('TSLVersionIdentifier', '3'),
      element('TSLSequenceNumber', String(sequence)),
      element('TSLType', 'http://uri.etsi.org/TrstSvc/eSigDir-1999-93-EC-TrustedList/TSLType/generic'),
      element('SchemeOperatorName', name),
      element('SchemeOperatorAddress', address),
      element('SchemeName', name),
      element('SchemeInformationURI', '<URI xml:lang="en">https://tsl.sim.epa4all.de</URI>'),
      element(
        'StatusDeterminationApproach',
        'http://uri.etsi.org/TrstSvc/eSigDir-1999-93-EC-TrustedList/StatusDetn/active',
      ),
      element('HistoricalInformationPeriod', '0'),
      element('ListIssueDateTime', second(issued)),
      element('NextUpdate', element('dateTime', second(nextUpdate))),
    ].join(''),
  );
}

function providerList({ services, issued }: TrustListOptions): string {
  const one = ({ type, status = IN_FORCE, issued: { certificate } }: TrustListOptions['services'][number]) =>
    element(
      'TSPService',
      element(
        'ServiceInformation',
        [
          element('ServiceTypeIdentifier', `${SERVICE}/${type}`),
          element('ServiceName', '<Name xml:lang="en">TEST-ONLY</Name>'),
          element(
            'ServiceDigitalIdentity',
            element('DigitalId', element('X509Certificate', Buffer.from(certificate.der).toString('base64'))),
          ),
          element('ServiceStatus', status),
          element('StatusStartingTime', second(issued)),
        ].join(''),
      ),
    );
  const provider =
    '<TSPName><Name xml:lang="en">Simulated provider TEST-ONLY</Name></TSPName>' +
    '<TSPAddress><PostalAddresses><PostalAddress xml:lang="en"><StreetAddress>Musterweg 1</StreetAddress>' +
    '<Locality>Berlin</Locality><CountryName>DE</CountryName></PostalAddress></PostalAddresses>' +
    '<ElectronicAddress><URI>https://tsl.sim.epa4all.de</URI></ElectronicAddress></TSPAddress>' +
    '<TSPInformationURI><URI xml:lang="en">https://tsl.sim.epa4all.de</URI></TSPInformationURI>';
  return element(
    'TrustServiceProviderList',
    element(
      'TrustServiceProvider',
      element('TSPInformation', provider) + element('TSPServices', services.map(one).join('')),
    ),
  );
}

/** GET /TSL.xml beside the OCSP responder; the fault place is `tsl`. */
export function createTrustLists({ world, pki, faults }: SimParts): (path: string) => Promise<HttpAnswer> | undefined {
  return (path) => {
    if (path !== '/TSL.xml') return undefined;
    const fault = faults.take('tsl');
    return underFault(fault, 'tsl', async () => ({
      status: 200,
      headers: [['Content-Type', 'application/xml']],
      body: faulty(fault, pki, world.now()),
      operation: 'tsl',
    }));
  };
}

function faulty(fault: Fault | undefined, pki: SimPki, now: number): string {
  const right: TrustListOptions = {
    sequence: sequenceAt(now),
    issued: now - 3_600_000,
    nextUpdate: now + 7 * DAY,
    signer: pki.tslSigner,
    services: [
      { type: 'CA/PKC', issued: pki.smcbCa },
      { type: 'CA/PKC', issued: pki.componentCa },
      { type: 'Certstatus/OCSP', issued: pki.ocspSigner },
    ],
  };
  switch (fault?.kind) {
    case 'expired':
      return writeTrustList({ ...right, issued: now - 40 * DAY, nextUpdate: now - 35 * DAY });
    case 'stale':
      return writeTrustList({ ...right, sequence: right.sequence - 1000 });
    case 'revoked':
      return writeTrustList({
        ...right,
        services: right.services.map((one) => (one.issued === pki.componentCa ? { ...one, status: REVOKED } : one)),
      });
    case 'wrong-certificate':
      return writeTrustList({ ...right, signer: wrongSigner(pki, String(fault.params?.which ?? 'root')) });
    case 'wrong-signature':
      // one letter of what was signed is another afterwards
      return writeTrustList(right).replace('>Simulated TI TEST-ONLY<', '>Simulated TI TEST-0NLY<');
    default:
      return writeTrustList(right);
  }
}

/** `root`: under a root of its own with the same names; `role`: issued by the right CA, but for something else. */
function wrongSigner(pki: SimPki, which: string): Issued {
  const profile = { commonName: 'TSL Signer', keyUsage: ['digitalSignature'] };
  if (which === 'role') return mintLeaf(pki.tslCa, profile);
  return mintLeaf(mintCa(mintRoot('TI Root CA'), 'TSL-CA'), { ...profile, extendedKeyUsage: [TSL_SIGNING] });
}
