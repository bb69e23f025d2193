// The trust-service list of the TI (ETSI TS 102 231; gemSpec_TSL; export-flow.md 1.8): which CAs issue certificates, and who answers
// for their status. Nothing of it is believed before its signature is verified and its signer judged (CRT-05); whether it is in
// time and newer than the one before is for whoever keeps it.
import { WireError } from '../wire/error.ts';
import { elementsOf, readSignedXml, type SignedElement } from '../wire/xml-canonical.ts';
import { verifyEnveloped } from '../wire/xml-signature.ts';
import { type Certificate, readCertificate, sameCertificate } from './certificate.ts';
import { CertError } from './error.ts';
import { requireKeyUsage, requireUsable, verifyChain } from './trust.ts';

const TSL = 'http://uri.etsi.org/02231/v2#';
/** id-tsl-kp-tslSigning (ETSI TS 102 231, 5.7.1). */
export const TSL_SIGNING = '0.4.0.2231.3.0';

const CA = 'http://uri.etsi.org/TrstSvc/Svctype/CA/PKC';
const OCSP = 'http://uri.etsi.org/TrstSvc/Svctype/Certstatus/OCSP';
/** gemSpec_TSL has `inaccord`; later versions of the standard call the same `granted`. */
const IN_FORCE = new Set([
  'http://uri.etsi.org/TrstSvc/Svcstatus/inaccord',
  'http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted',
]);

export type TrustList = {
  sequence: number;
  issued: Date;
  nextUpdate: Date;
  /** CAs whose service is in force. */
  cas: Certificate[];
  ocspSigners: Certificate[];
  /** Whose signature it carries. */
  signer: Certificate;
};

/**
 * Reads a list and verifies it.
 * @param anchors certificates of the list's signers, or of the CA that issues them; nothing of the list itself
 * @throws CertError TSL_UNREADABLE, TSL_SIGNATURE, TSL_SIGNER_UNTRUSTED
 */
export function readTrustList(bytes: Uint8Array, o: { anchors: readonly Certificate[]; at: Date }): TrustList {
  const root = step('TSL_UNREADABLE', () => readSignedXml(bytes));
  let signer: Certificate | undefined;
  step('TSL_SIGNATURE', () =>
    verifyEnveloped(root, (der) => {
      signer = signerOf(der, o);
      return signer.publicKey;
    }),
  );
  if (signer === undefined) throw new CertError('TSL_SIGNATURE', 'trust-service list: no signer');
  return { ...step('TSL_UNREADABLE', () => readList(root)), signer };
}

/** The signer is one of the anchors, or issued by one for exactly this purpose. */
function signerOf(der: Uint8Array, { anchors, at }: { anchors: readonly Certificate[]; at: Date }): Certificate {
  try {
    const signer = readCertificate(der);
    requireUsable(signer, at);
    requireKeyUsage(signer, 'digitalSignature');
    if (anchors.some((anchor) => sameCertificate(anchor, signer))) return signer;
    if (!signer.extendedKeyUsage.has(TSL_SIGNING))
      throw new CertError('CERT_KEY_USAGE', 'no signer of trust-service lists');
    const roots = anchors.filter((anchor) => anchor.isCa);
    verifyChain({ leaf: signer, anchors: { roots, intermediates: [], ocspSigners: [] }, at });
    return signer;
  } catch (cause) {
    throw new CertError('TSL_SIGNER_UNTRUSTED', 'the signer of the list is not trusted', { cause });
  }
}

function readList(root: SignedElement): Omit<TrustList, 'signer'> {
  if (root.ns !== TSL || root.name !== 'TrustServiceStatusList') throw unreadable('not a trust-service list');
  const scheme = one(root, 'SchemeInformation');
  const sequence = textOf(one(scheme, 'TSLSequenceNumber'));
  if (!/^[1-9][0-9]{0,14}$/.test(sequence)) throw unreadable('its sequence number');
  const services = [...elementsOf(root)]
    .filter((element) => element.ns === TSL && element.name === 'TSPService')
    .map((service) => one(service, 'ServiceInformation'))
    .filter((service) => IN_FORCE.has(textOf(one(service, 'ServiceStatus'))));
  const certificatesOf = (type: string) =>
    services
      .filter((service) => textOf(one(service, 'ServiceTypeIdentifier')) === type)
      .flatMap((service) => certificatesIn(one(service, 'ServiceDigitalIdentity')));
  const list = {
    sequence: Number(sequence),
    issued: dateOf(one(scheme, 'ListIssueDateTime')),
    nextUpdate: dateOf(one(one(scheme, 'NextUpdate'), 'dateTime')),
    cas: certificatesOf(CA),
    ocspSigners: certificatesOf(OCSP),
  };
  if (!(list.issued < list.nextUpdate)) throw unreadable('its times');
  return list;
}

/** One that cannot be read is passed over, since a list of hundreds may hold kinds of keys that nobody here meets. */
function certificatesIn(identity: SignedElement): Certificate[] {
  return children(identity, 'DigitalId')
    .flatMap((id) => children(id, 'X509Certificate'))
    .flatMap((element) => {
      try {
        return [readCertificate(Buffer.from(textOf(element).replace(/[ \t\r\n]+/g, ''), 'base64'))];
      } catch {
        return [];
      }
    });
}

function dateOf(element: SignedElement): Date {
  const text = textOf(element);
  const date = new Date(text);
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/.test(text) || Number.isNaN(date.getTime()))
    throw unreadable('one of its times');
  return date;
}

const children = (parent: SignedElement, name: string): SignedElement[] =>
  parent.children
    .filter((child) => typeof child !== 'string')
    .filter((child) => child.ns === TSL && child.name === name);

function one(parent: SignedElement, name: string): SignedElement {
  const [first, ...more] = children(parent, name);
  if (first === undefined || more.length > 0) throw unreadable(`not exactly one ${name}`);
  return first;
}

const textOf = (element: SignedElement): string => element.children.join('').trim();

const unreadable = (what: string): CertError => new CertError('TSL_UNREADABLE', `trust-service list: ${what}`);

function step<T>(code: 'TSL_UNREADABLE' | 'TSL_SIGNATURE', act: () => T): T {
  try {
    return act();
  } catch (cause) {
    if (cause instanceof WireError) throw new CertError(code, `trust-service list: ${cause.message}`, { cause });
    throw cause;
  }
}
