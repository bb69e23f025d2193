// Keys, endpoints and signed documents of the simulated IDP-Dienst (epa-record-system.md 2.2; export-flow.md 4.4): the
// discovery document, puk_idp_sig, puk_idp_enc, and each of them with exactly one thing wrong.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { ROLE } from '../../certs/admission.ts';
import { type Issued, mintCa, mintLeaf, mintRoot } from '../../certs/mint.ts';
import { compactJws, publicJwk, signingInput } from '../../wire/jose.ts';
import type { Fault } from '../faults.ts';
import type { SimPki } from '../pki.ts';

const DAY = 86_400_000;
const brainpool = () => generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' });

export type IdpKeys = {
  /** signs challenges; its certificate has the role oid_idpd */
  sig: Issued;
  /** challenges' answers are encrypted to it */
  enc: { publicKey: KeyObject; privateKey: KeyObject };
};

export function createIdpKeys(pki: SimPki, now: number): IdpKeys {
  return { sig: mintSigner(pki.componentCa, { now }), enc: brainpool() };
}

function mintSigner(issuer: Issued, o: { now: number; role?: string; expired?: boolean; keyUsage?: string[] }): Issued {
  return mintLeaf(issuer, {
    commonName: 'IDP puk_idp_sig',
    keyUsage: o.keyUsage ?? ['digitalSignature'],
    admission: { professionItems: [], professionOids: [o.role ?? ROLE.idpd], registrationNumber: undefined },
    notBefore: new Date(o.now - 2 * DAY),
    notAfter: new Date(o.expired === true ? o.now - DAY : o.now + 365 * DAY),
  });
}

/** Another signer of the discovery document, as good as the one before. */
export function mintDiscoverySigner(pki: SimPki, now: number): Issued {
  return mintSigner(pki.componentCa, { now });
}

/** A signer that fails one check of a client: `which` is role, root, expired, key-usage or foreign (issued by no CA). */
export function wrongSigner(pki: SimPki, which: string, now: number): Issued {
  if (which === 'role') return mintSigner(pki.componentCa, { now, role: ROLE.epaVau });
  if (which === 'expired') return mintSigner(pki.componentCa, { now, expired: true });
  if (which === 'key-usage') return mintSigner(pki.componentCa, { now, keyUsage: ['keyAgreement'] });
  if (which === 'foreign') return mintSigner(pki.idpSigner, { now });
  const life = { notBefore: new Date(now - 100 * DAY), notAfter: new Date(now + 1000 * DAY) };
  return mintSigner(mintCa(mintRoot('TI Root CA', life), 'Komponenten-CA', life), { now });
}

/** JWS of the IDP: ECDSA-SHA-256 on brainpoolP256r1, r‖s (alg BP256R1). `spoiled` signs other bytes. */
export function signByIdp(o: {
  kid: string;
  key: KeyObject;
  payload: object;
  header?: object;
  spoiled?: boolean;
}): string {
  const input = signingInput({ alg: 'BP256R1', kid: o.kid, ...o.header }, o.payload);
  const raw = sign('sha256', Buffer.from(o.spoiled === true ? `${input}.` : input), {
    key: o.key,
    dsaEncoding: 'ieee-p1363',
  });
  return compactJws(input, raw);
}

export type IdpPaths = {
  authorization: string;
  token: string;
  pukSig: string;
  pukEnc: string;
  jwks: string;
  signedJwks: string;
};

/** Endpoints differ per installation (`/auth` at the real IDP, `/sign_response` in ref-idp): a client has to read them. */
export function inventPaths(random: () => number): IdpPaths {
  const pick = (values: readonly string[]): string => values[Math.floor(random() * values.length)] ?? '';
  const base = pick(['', '/idp', '/smartcard-idp/v2']);
  return {
    authorization: `${base}${pick(['/sign_response', '/challenge', '/authorize/smcb'])}`,
    token: `${base}${pick(['/tokens', '/token/exchange'])}`,
    pukSig: `${base}${pick(['/certs/puk_idp_sig', '/ipdSig/jwk.json', '/keys/sig'])}`,
    pukEnc: `${base}${pick(['/certs/puk_idp_enc', '/ipdEnc/jwk.json', '/keys/enc'])}`,
    jwks: `${base}/jwks`,
    signedJwks: `${base}/signed-jwks`,
  };
}

/** The discovery document: signed with puk_disc_sig, valid 24 h, read for every claim (A_20663). */
export function discoveryDocument(o: {
  issuer: string;
  paths: IdpPaths;
  pki: SimPki;
  signer: Issued;
  /** Whether `signed_jwks_uri` announces coming keys. */
  announces: boolean;
  now: number;
  fault: Fault | undefined;
}): string {
  const { fault, paths, issuer } = o;
  const seconds = Math.floor(o.now / 1000);
  const what = String(fault?.params?.what ?? 'issuer');
  const claims: Record<string, unknown> = {
    issuer,
    iat: seconds,
    exp: seconds + 86_400,
    authorization_endpoint: issuer + paths.authorization,
    token_endpoint: issuer + paths.token,
    jwks_uri: issuer + paths.jwks,
    ...(o.announces && { signed_jwks_uri: issuer + paths.signedJwks }),
    uri_puk_idp_sig: issuer + paths.pukSig,
    uri_puk_idp_enc: issuer + paths.pukEnc,
    uri_disc: `${issuer}/.well-known/openid-configuration`,
    scopes_supported: ['openid', 'ePA-sim'],
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code'],
    id_token_signing_alg_values_supported: ['BP256R1'],
  };
  if (fault?.kind === 'expired') Object.assign(claims, { iat: seconds - 2 * 86_400, exp: seconds - 86_400 });
  if (fault?.kind === 'wrong-claim') Object.assign(claims, wrongDiscoveryClaim(what, seconds, paths));
  const signer =
    fault?.kind === 'wrong-certificate' ? wrongSigner(o.pki, String(fault.params?.which ?? 'root'), o.now) : o.signer;
  return signByIdp({
    kid: 'puk_disc_sig',
    key: signer.privateKey,
    header: { x5c: [Buffer.from(signer.certificate.der).toString('base64')], ...wrongHeader(fault) },
    payload: claims,
    spoiled: fault?.kind === 'wrong-signature' && what !== 'alg',
  });
}

/** `signed_jwks_uri`: the keys of now and of soon, signed like the discovery document (gematik change C_12299). */
export function signedJwks(o: { keys: readonly Issued[]; signer: Issued; now: number }): string {
  const iat = Math.floor(o.now / 1000);
  const jwks = o.keys.map(({ certificate }) =>
    publicJwk(certificate.publicKey, {
      kid: 'puk_idp_sig',
      use: 'sig',
      x5c: [Buffer.from(certificate.der).toString('base64')],
    }),
  );
  return signByIdp({
    kid: 'puk_disc_sig',
    key: o.signer.privateKey,
    header: { x5c: [Buffer.from(o.signer.certificate.der).toString('base64')] },
    payload: { iat, exp: iat + 86_400, keys: jwks },
  });
}

function wrongHeader(fault: Fault | undefined): object {
  if (fault?.kind === 'wrong-signature' && fault.params?.what === 'alg') return { alg: 'none' };
  return fault?.kind === 'wrong-claim' && fault.params?.what === 'x5c' ? { x5c: undefined } : {};
}

/** One claim a client has to refuse; 'endpoint' and 'key-uri' lead to an origin that is not the IDP's (D18). */
function wrongDiscoveryClaim(what: string, seconds: number, paths: IdpPaths): object {
  const foreign = 'https://idp.example.invalid';
  const claims: Record<string, object> = {
    issuer: { issuer: foreign },
    future: { iat: seconds + 3600, exp: seconds + 90_000 },
    endpoint: { authorization_endpoint: foreign + paths.authorization },
    'no-endpoint': { authorization_endpoint: undefined },
    'key-uri': { uri_puk_idp_enc: foreign + paths.pukEnc },
    'no-key-uri': { uri_puk_idp_sig: undefined },
    x5c: {},
  };
  return claims[what] ?? { issuer: foreign };
}

/** One JWK: `kty EC`, `crv BP-256`; sig also with its certificate. `wrong-key`: other (default), curve (off it), name (crv). */
export function pukDocument(o: {
  keys: IdpKeys;
  use: 'sig' | 'enc';
  pki: SimPki;
  now: number;
  fault: Fault | undefined;
}): Record<string, unknown> {
  const { keys, use, fault } = o;
  const signer =
    fault?.kind === 'wrong-certificate' ? wrongSigner(o.pki, String(fault.params?.which ?? 'root'), o.now) : keys.sig;
  const key = use === 'enc' ? keys.enc.publicKey : signer.certificate.publicKey;
  const extra =
    use === 'enc'
      ? { kid: 'puk_idp_enc', use }
      : { kid: 'puk_idp_sig', use, x5c: [Buffer.from(signer.certificate.der).toString('base64')] };
  if (fault?.kind !== 'wrong-key') return publicJwk(key, extra);
  const what = String(fault.params?.what ?? 'other');
  if (what === 'curve') {
    const jwk = publicJwk(key, extra);
    const y = Buffer.from(String(jwk.y), 'base64url');
    y[31] = (y[31] ?? 0) ^ 1;
    return { ...jwk, y: y.toString('base64url') };
  }
  if (what === 'name') return { ...publicJwk(key, extra), crv: 'P-256' };
  // a key with nothing beside it that anybody has signed: only the challenge's signature shows that it is not the IDP's
  if (what === 'unsigned') return publicJwk(brainpool().publicKey, { ...extra, x5c: undefined });
  // a key the certificate beside it does not hold: only the comparison with x5c, or the challenge's signature, shows it
  return publicJwk(brainpool().publicKey, extra);
}
