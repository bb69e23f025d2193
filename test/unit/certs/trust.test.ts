// Chains and roles: one test breaks each rule alone and names the code it must end in (D14, CRT-06, CRT-07).
import { describe, expect, test } from 'vitest';
import { ROLE } from '../../../certs/admission.ts';
import { type Certificate, readCertificate } from '../../../certs/certificate.ts';
import { extension } from '../../../certs/extensions.ts';
import { type CaProfile, type Issued, type LeafProfile, mintCa, mintLeaf, mintRoot } from '../../../certs/mint.ts';
import { requireKeyUsage, requireRole, requireValidAt, type TrustAnchors, verifyChain } from '../../../certs/trust.ts';
import { anchorsOf, certCodeOf, createTestPki, DAY, DIGA_ADMISSION } from '../../support/test-pki.ts';
import { flipped } from '../../support/wire-error.ts';

const pki = createTestPki();
const NOW = Date.now();
const at = new Date(NOW);
const later = (days: number): Date => new Date(NOW + days * DAY);

function judge(leaf: Issued, supplied: Issued[], anchors: TrustAnchors = pki.anchors, when = at): Certificate[] {
  return verifyChain({ leaf: leaf.certificate, supplied: supplied.map((s) => s.certificate), anchors, at: when });
}

const codeOf = (...o: Parameters<typeof judge>): string => certCodeOf(() => judge(...o));

/** The code for a leaf under a CA of this profile. */
function codeUnderCa(profile: CaProfile, leaf: LeafProfile = { commonName: 'x' }): string {
  const ca = mintCa(pki.root, 'CA', profile);
  return codeOf(mintLeaf(ca, leaf), [ca]);
}

describe('a chain is trusted', () => {
  test('from leaf over a supplied CA to a known root', () => {
    expect(judge(pki.leaf, [pki.ca])).toEqual([pki.leaf, pki.ca, pki.root].map((i) => i.certificate));
  });

  test('over a CA known from the TSL, with nothing supplied', () => {
    const anchors = { ...pki.anchors, intermediates: [pki.ca.certificate] };
    expect(judge(pki.leaf, [], anchors)).toHaveLength(3);
  });

  test('ends where a list names the CAs and this one is not among them, whatever is supplied (CRT-05)', () => {
    const leaf = mintLeaf(pki.ca, { commonName: 'x' });
    const listed = { ...pki.anchors, intermediates: [], listed: true as const };
    expect(codeOf(leaf, [pki.ca], listed)).toBe('CERT_CHAIN_UNTRUSTED');
    expect(codeOf(leaf, [], { ...listed, intermediates: [pki.ca.certificate] })).toBe('nothing thrown');
    expect(codeOf(leaf, [pki.ca], { ...pki.anchors, intermediates: [] })).toBe('nothing thrown');
  });
  test('over several levels, supplied in any order and with strangers among them', () => {
    const second = mintCa(pki.ca, 'Second CA');
    const third = mintCa(second, 'Third CA');
    const leaf = mintLeaf(third, { commonName: 'x' });
    expect(judge(leaf, [createTestPki().ca, third, pki.root, pki.ca, second, leaf])).toHaveLength(5);
  });

  test('over a cross certificate from an old root to a new one', () => {
    const next = mintRoot('Next Root CA');
    const cross = mintCa(pki.root, 'Next Root CA', { privateKey: next.privateKey });
    const ca = mintCa(next, 'Next CA');
    const path = judge(mintLeaf(ca, { commonName: 'x' }), [ca, cross]);
    expect(path.map((c) => c.commonName?.replace(' TEST-ONLY', ''))).toEqual([
      'x',
      'Next CA',
      'Next Root CA',
      'Root CA',
    ]);
  });

  test('where the first candidate of the name leads to an unknown root and the second home', () => {
    const stranger = mintRoot('Stranger Root CA');
    const astray = mintCa(stranger, 'Twin CA');
    const home = mintCa(pki.root, 'Twin CA', { privateKey: astray.privateKey });
    expect(judge(mintLeaf(home, { commonName: 'x' }), [stranger, astray, home])[1]).toBe(home.certificate);
  });

  test('where a CA was renewed with the same key and only the new certificate is valid', () => {
    const old = mintCa(pki.root, 'CA', { notAfter: later(-1) });
    const renewed = mintCa(pki.root, 'CA', { privateKey: old.privateKey });
    expect(judge(mintLeaf(old, { commonName: 'x' }), [old, renewed])[1]).toBe(renewed.certificate);
  });

  test('at the very first and the very last second of validity', () => {
    const { notBefore, notAfter } = pki.leaf.certificate;
    expect(codeOf(pki.leaf, [pki.ca], pki.anchors, notBefore)).toBe('nothing thrown');
    expect(codeOf(pki.leaf, [pki.ca], pki.anchors, notAfter)).toBe('nothing thrown');
  });

  test('where a path length of 0 has only the leaf below', () => {
    expect(codeUnderCa({ pathLength: 0 })).toBe('nothing thrown');
  });

  test('where an authority renewed by itself stands below a path length of 0, since self-issued ones do not count', () => {
    const ca = mintCa(pki.root, 'CA', { pathLength: 0 });
    const rollover = mintCa(ca, 'CA');
    expect(codeOf(mintLeaf(rollover, { commonName: 'x' }), [ca, rollover])).toBe('nothing thrown');
  });
});

describe('a chain is refused', () => {
  test('with nothing between leaf and root', () => expect(codeOf(pki.leaf, [])).toBe('CERT_CHAIN_UNTRUSTED'));

  test('without any root', () => {
    expect(codeOf(pki.leaf, [pki.ca, pki.root], anchorsOf())).toBe('CERT_CHAIN_UNTRUSTED');
  });

  test('under another root, though the right one is supplied', () => {
    const anchors = anchorsOf(mintRoot('Other Root CA'));
    expect(codeOf(pki.leaf, [pki.ca, pki.root], anchors)).toBe('CERT_CHAIN_UNTRUSTED');
  });

  test('under a root of the same name with another key', () => {
    expect(codeOf(pki.leaf, [pki.ca], anchorsOf(mintRoot('Root CA')))).toBe('CERT_SIGNATURE');
  });

  test('under a root of the same name and key that is not byte for byte the known one', () => {
    const twin = mintRoot('Root CA', { privateKey: pki.root.privateKey });
    // The twin is a candidate like any other; it ends nowhere unless the known root vouches for it.
    const foreign = anchorsOf(twin);
    expect(judge(pki.leaf, [pki.ca, pki.root], foreign).at(-1)).toBe(twin.certificate);
    expect(codeOf(pki.leaf, [pki.ca, twin], anchorsOf())).toBe('CERT_CHAIN_UNTRUSTED');
  });

  test('when an OCSP signer or an intermediate is all that is known: neither is an anchor', () => {
    const { certificate } = pki.ca;
    const anchors = { roots: [], intermediates: [certificate, pki.root.certificate], ocspSigners: [certificate] };
    expect(codeOf(pki.leaf, [], anchors)).toBe('CERT_CHAIN_UNTRUSTED');
  });

  test('with a self-signed leaf', () => {
    expect(codeOf(mintRoot('Self'), [])).toBe('CERT_CHAIN_UNTRUSTED');
  });

  test('with a leaf whose issuer is another leaf', () => {
    const leaf = mintLeaf(pki.leaf, { commonName: 'x' });
    expect(codeOf(leaf, [pki.leaf, pki.ca])).toBe('CERT_NOT_A_CA');
  });

  test('with an issuer that may sign certificates by its key usage but is no CA', () => {
    const issuer = mintLeaf(pki.ca, { commonName: 'x', keyUsage: ['keyCertSign'] });
    expect(codeOf(mintLeaf(issuer, { commonName: 'y' }), [issuer, pki.ca])).toBe('CERT_NOT_A_CA');
  });

  test('with a CA without keyCertSign', () => {
    expect(codeUnderCa({ keyUsage: ['cRLSign', 'digitalSignature'] })).toBe('CERT_KEY_USAGE');
  });

  test('with a CA without any key usage', () => expect(codeUnderCa({ keyUsage: [] })).toBe('CERT_KEY_USAGE'));

  test('with more authorities than the path length allows', () => {
    const first = mintCa(pki.root, 'First CA', { pathLength: 0 });
    const second = mintCa(first, 'Second CA');
    expect(codeOf(mintLeaf(second, { commonName: 'x' }), [first, second])).toBe('CERT_PATH_LENGTH');
  });

  test.each([
    ['an expired leaf', {}, { notAfter: later(-0.5) }, 'CERT_EXPIRED'],
    ['a leaf not yet valid', {}, { notBefore: later(1) }, 'CERT_NOT_YET_VALID'],
    ['an expired CA above a valid leaf', { notAfter: later(-0.5) }, {}, 'CERT_EXPIRED'],
    ['a CA not yet valid above a valid leaf', { notBefore: later(1) }, {}, 'CERT_NOT_YET_VALID'],
  ])('with %s', (_what, ca, leaf, code) => expect(codeUnderCa(ca, { commonName: 'x', ...leaf })).toBe(code));

  test('with an expired root, or one not yet valid', () => {
    for (const [o, code] of [
      [{ notAfter: later(-0.5) }, 'CERT_EXPIRED'],
      [{ notBefore: later(1) }, 'CERT_NOT_YET_VALID'],
    ] as const) {
      const root = mintRoot('Root', o);
      const ca = mintCa(root, 'CA');
      expect(codeOf(mintLeaf(ca, { commonName: 'x' }), [ca], anchorsOf(root))).toBe(code);
    }
  });

  test('by the time asked about, not by the time of day', () => {
    expect(codeOf(pki.leaf, [pki.ca], pki.anchors, later(6 * 365))).toBe('CERT_EXPIRED');
    expect(codeOf(pki.leaf, [pki.ca], pki.anchors, later(-30))).toBe('CERT_NOT_YET_VALID');
  });

  test('when the time asked about is none', () => {
    expect(codeOf(pki.leaf, [pki.ca], pki.anchors, new Date(Number.NaN))).toBe('CERT_NOT_YET_VALID');
  });

  test('with a critical extension nobody understands, in the leaf or in a CA', () => {
    const extraExtensions = [extension('1.2.3.4', true, Uint8Array.of(5, 0))];
    expect(codeUnderCa({}, { commonName: 'x', extraExtensions })).toBe('CERT_EXTENSION');
    expect(codeUnderCa({ extraExtensions })).toBe('CERT_EXTENSION');
  });

  test('with the name constraints of a CA, which nothing here can apply', () => {
    const none = extension('2.5.29.30', true, Uint8Array.of(0x30, 0));
    expect(codeUnderCa({ extraExtensions: [none] })).toBe('CERT_EXTENSION');
  });

  // That no changed bit survives anywhere in a certificate is shown in certificate.test.ts.
  test('with a changed signature', () => {
    const leaf = readCertificate(flipped(pki.leaf.certificate.der, -1));
    const chain = { leaf, supplied: [pki.ca.certificate], anchors: pki.anchors, at };
    expect(certCodeOf(() => verifyChain(chain))).toBe('CERT_SIGNATURE');
  });

  test('after a bounded number of look-alikes, even if one would lead home', () => {
    const twins = Array.from({ length: 100 }, () => pki.ca.certificate).map((c, i) => ({
      ...c,
      der: Uint8Array.of(i),
    }));
    const stranger = mintCa(mintRoot('Stranger'), 'SMC-B CA').certificate;
    const lookalikes = twins.map((twin) => ({ ...stranger, der: twin.der }));
    const chain = { leaf: pki.leaf.certificate, anchors: pki.anchors, at };
    expect(certCodeOf(() => verifyChain({ ...chain, supplied: [...lookalikes, pki.ca.certificate] }))).toBe(
      'CERT_SIGNATURE',
    );
    expect(verifyChain({ ...chain, supplied: [...lookalikes.slice(0, 50), pki.ca.certificate] })).toHaveLength(3);
  });

  test('that goes round in circles between two authorities', () => {
    const a = mintCa(mintRoot('Nowhere'), 'A');
    const b = mintCa(a, 'B');
    const again = mintCa(b, 'A', { privateKey: a.privateKey });
    expect(codeOf(mintLeaf(b, { commonName: 'x' }), [again, b, a])).toBe('CERT_CHAIN_UNTRUSTED');
  });
});

describe('roles and usages (CRT-06)', () => {
  const withOids = (...professionOids: string[]): Certificate =>
    mintLeaf(pki.ca, { commonName: 'x', admission: { ...DIGA_ADMISSION, professionOids } }).certificate;

  test('the right role alone is accepted', () => {
    expect(certCodeOf(() => requireRole(pki.leaf.certificate, ROLE.diga))).toBe('nothing thrown');
  });

  test.each([
    ['another role', withOids(ROLE.epaVau)],
    ['the right role beside another', withOids(ROLE.diga, ROLE.epaVau)],
    ['another role before the right one', withOids(ROLE.epaVau, ROLE.diga)],
    ['the right role twice', withOids(ROLE.diga, ROLE.diga)],
    ['an admission without a role', withOids()],
    ['no admission', pki.ocspSigner.certificate],
  ])('%s is refused', (_what, certificate) => {
    expect(certCodeOf(() => requireRole(certificate, ROLE.diga))).toBe('CERT_ROLE');
  });

  test('a key usage must be there by name', () => {
    expect(certCodeOf(() => requireKeyUsage(pki.leaf.certificate, 'digitalSignature'))).toBe('nothing thrown');
    expect(certCodeOf(() => requireKeyUsage(pki.leaf.certificate, 'keyAgreement'))).toBe('CERT_KEY_USAGE');
    const silent = mintLeaf(pki.ca, { commonName: 'x', keyUsage: [] }).certificate;
    expect(certCodeOf(() => requireKeyUsage(silent, 'digitalSignature'))).toBe('CERT_KEY_USAGE');
  });

  test('validity can be asked for alone', () => {
    expect(certCodeOf(() => requireValidAt(pki.leaf.certificate, at))).toBe('nothing thrown');
    expect(certCodeOf(() => requireValidAt(pki.leaf.certificate, later(6 * 365)))).toBe('CERT_EXPIRED');
    expect(certCodeOf(() => requireValidAt(pki.leaf.certificate, later(-3)))).toBe('CERT_NOT_YET_VALID');
  });
});
