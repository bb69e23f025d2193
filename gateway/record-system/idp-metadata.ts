// What the central IDP says about itself and may be believed: discovery document and keys (gemSpec_IDP_Dienst; A_20663-01,
// A_20665-01, A_20667-02; epa-record-system.md 2.2, export-flow.md 4.4; SES-05). Nothing is held longer than the document
// says; `reload` throws it away at once, since keys change without notice (D28).
import type { KeyObject } from 'node:crypto';
import { ROLE } from '../../certs/admission.ts';
import { type Certificate, readCertificate } from '../../certs/certificate.ts';
import { CertError } from '../../certs/error.ts';
import { requireKeyUsage, requireRole, type TrustAnchors, verifyChain } from '../../certs/trust.ts';
import { WireError } from '../../wire/error.ts';
import { decodeJws, type Jws, publicKeyFromJwk, verifyJws } from '../../wire/jose.ts';
import { GatewayError } from '../errors.ts';
import { asUnreachable, type Clock, type EgressPort, IDP_CODES, type Json, jsonObject, text } from './outside.ts';

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 256 * 1024;
/** Our clock and theirs may differ by so much. */
export const CLOCK_SKEW_SECONDS = 60;
/** A document is valid for a day; a longer claim is not believed. */
const LONGEST_CACHE_MS = 24 * 60 * 60 * 1000;

export type IdpAccess = {
  /** Must be the document's `issuer`, character for character. */
  issuer: string;
  /** Further origins its endpoints and Locations may lie on (TI and internet name of one IDP). */
  origins?: readonly string[];
};

export type IdpOptions = {
  idp: IdpAccess;
  egress: EgressPort;
  anchors: () => TrustAnchors;
  userAgent: string;
  now: Clock;
  /** Told of every signer of the discovery document that was judged good (CRT-01). */
  seen?: (signer: Certificate) => void;
};

export type IdpMetadata = {
  authorizationEndpoint: string;
  /** puk_idp_sig first, then those of signed_jwks_uri: coming keys are published there with an overlap. */
  signatureKeys: readonly KeyObject[];
  encryptionKey: KeyObject;
  until: number;
};

/** One per gateway; concurrent logins share one fetch. */
export class IdpDiscovery {
  readonly #o: IdpOptions;
  #known: IdpMetadata | undefined;
  #loading: Promise<IdpMetadata> | undefined;

  constructor(options: IdpOptions) {
    this.#o = options;
  }

  /** What was read was judged by other anchors: it is read anew, and what is on its way is not kept. */
  forget(): void {
    this.#known = undefined;
    this.#loading = undefined;
  }

  /** `fresh`: this call made it, so a refusal that follows cannot come from something outdated. */
  async metadata(): Promise<{ metadata: IdpMetadata; fresh: boolean }> {
    if (this.#known !== undefined && this.#o.now() < this.#known.until) return { metadata: this.#known, fresh: false };
    return { metadata: await this.reload(), fresh: true };
  }

  /** @throws GatewayError IDP_UNTRUSTED with `check`, IDP_UNREACHABLE */
  reload(): Promise<IdpMetadata> {
    if (this.#loading !== undefined) return this.#loading;
    this.#known = undefined;
    const loading = this.#load()
      .then((metadata) => {
        if (this.#loading === loading) this.#known = metadata;
        return metadata;
      })
      .finally(() => {
        if (this.#loading === loading) this.#loading = undefined;
      });
    this.#loading = loading;
    return loading;
  }

  async #load(): Promise<IdpMetadata> {
    const { issuer } = this.#o.idp;
    const document = await this.#get(
      `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
      'application/jwt',
    );
    const { payload } = this.#signed(document, 'discovery');
    const exp = this.#validUntil(payload, 'discovery');
    if (payload.issuer !== issuer) throw idpUntrusted('idp.issuer');
    const endpoint = (claim: string) => this.#endpoint(payload[claim]);
    const authorizationEndpoint = endpoint('authorization_endpoint');
    const [sigUrl, encUrl] = [endpoint('uri_puk_idp_sig'), endpoint('uri_puk_idp_enc')];

    const signatureKey = this.#jwk(jsonObject(await this.#get(sigUrl, 'application/json')), 'sig');
    const encryptionKey = this.#jwk(jsonObject(await this.#get(encUrl, 'application/json')), 'enc');
    const coming = payload.signed_jwks_uri === undefined ? [] : await this.#signedJwks(endpoint('signed_jwks_uri'));
    return {
      authorizationEndpoint,
      signatureKeys: [signatureKey, ...coming],
      encryptionKey,
      until: Math.min(exp * 1000, this.#o.now() + LONGEST_CACHE_MS),
    };
  }

  /** A JWS by the discovery signer: BP256R1, x5c to a TI root, exactly oid_idpd (the document and signed_jwks_uri). */
  #signed(compact: Uint8Array, what: string): Jws {
    const jws = read(`idp.${what}-format`, () => decodeJws(new TextDecoder().decode(compact).trim()));
    if (jws.header.alg !== 'BP256R1') throw idpUntrusted(`idp.${what}-alg`);
    const signer = this.#signer(jws.header.x5c, what);
    read(`idp.${what}-signature`, () => verifyJws(jws, signer.publicKey));
    return jws;
  }

  #signer(x5c: unknown, what: string): Certificate {
    const [leaf, ...supplied] = read(`idp.${what}-certificate`, () => {
      if (!Array.isArray(x5c)) throw new WireError('JOSE_HEADER', 'x5c is missing');
      return x5c.map((der) => readCertificate(base64(der)));
    });
    if (leaf === undefined) throw idpUntrusted(`idp.${what}-certificate`);
    try {
      verifyChain({ leaf, supplied, anchors: this.#o.anchors(), at: new Date(this.#o.now()) });
    } catch (cause) {
      const outOfTime = cause instanceof CertError && /^CERT_(EXPIRED|NOT_YET_VALID)$/.test(cause.code);
      throw idpUntrusted(outOfTime ? `idp.${what}-validity` : `idp.${what}-chain`, cause);
    }
    read(`idp.${what}-role`, () => requireRole(leaf, ROLE.idpd));
    read(`idp.${what}-key-usage`, () => requireKeyUsage(leaf, 'digitalSignature'));
    if (what === 'discovery') this.#o.seen?.(leaf);
    return leaf;
  }

  #validUntil({ iat, exp }: Json, what: string): number {
    const now = this.#o.now() / 1000;
    if (typeof iat !== 'number' || typeof exp !== 'number') throw idpUntrusted(`idp.${what}-claims`);
    if (iat > now + CLOCK_SKEW_SECONDS) throw idpUntrusted(`idp.${what}-not-yet`);
    if (exp <= now) throw idpUntrusted(`idp.${what}-expired`);
    return exp;
  }

  #endpoint(value: unknown): string {
    if (typeof value !== 'string') throw idpUntrusted('idp.discovery-claims');
    if (!onAllowedOrigin(value, this.#o.idp)) throw idpUntrusted('idp.endpoint-origin');
    return value;
  }

  /** One JWK on BP-256; a certificate beside it must be the IDP's and hold this very key. */
  #jwk(jwk: Json | undefined, use: 'sig' | 'enc'): KeyObject {
    const what = `${use}-key`;
    if (jwk === undefined || jwk.crv !== 'BP-256') throw idpUntrusted(`idp.${what}`);
    const key = read(`idp.${what}`, () => publicKeyFromJwk(jwk));
    if (jwk.x5c !== undefined && !this.#signer(jwk.x5c, what).publicKey.equals(key))
      throw idpUntrusted(`idp.${what}-certificate`);
    return key;
  }

  /** Only adds keys: where it cannot be fetched, the login goes on without; where it is wrong, it does not. */
  async #signedJwks(url: string): Promise<KeyObject[]> {
    let document: Uint8Array;
    try {
      document = await this.#get(url, 'application/jwt');
    } catch (thrown) {
      if (thrown instanceof GatewayError && thrown.code === 'IDP_UNREACHABLE') return [];
      throw thrown;
    }
    const { payload } = this.#signed(document, 'jwks');
    if (payload.exp !== undefined) this.#validUntil(payload, 'jwks');
    if (!Array.isArray(payload.keys)) throw idpUntrusted('idp.jwks-format');
    return payload.keys
      .map(
        (entry: unknown): Json =>
          typeof entry === 'object' && entry !== null ? Object.fromEntries(Object.entries(entry)) : {},
      )
      .filter((jwk) => jwk.use === 'sig' || (jwk.use === undefined && !/enc/i.test(text(jwk.kid) ?? '')))
      .map((jwk) => this.#jwk(jwk, 'sig'));
  }

  async #get(url: string, accept: string): Promise<Uint8Array> {
    const answer = await this.#o.egress
      .request('idp', {
        url,
        method: 'GET',
        headers: { accept, 'user-agent': this.#o.userAgent },
        timeoutMs: TIMEOUT_MS,
        maxResponseBytes: MAX_BYTES,
      })
      .catch((thrown: unknown) => {
        throw asUnreachable(thrown, IDP_CODES);
      });
    if (answer.status !== 200)
      throw new GatewayError('IDP_UNREACHABLE', 'the IDP does not serve its metadata', {
        foreign: { status: answer.status },
      });
    return answer.body;
  }
}

/** The issuer's own origin, or one the settings name: an answer never widens it (D18). */
export function onAllowedOrigin(url: string, idp: IdpAccess): boolean {
  const parsed = URL.parse(url);
  return (
    parsed !== null &&
    parsed.username === '' &&
    [idp.issuer, ...(idp.origins ?? [])].some((allowed) => new URL(allowed).origin === parsed.origin)
  );
}

/** A step whose failure is the named one; everything else is a bug and passes. */
export function read<T>(check: string, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    if (cause instanceof CertError || cause instanceof WireError) throw idpUntrusted(check, cause);
    throw cause;
  }
}

export function idpUntrusted(check: string, cause?: unknown): GatewayError {
  return new GatewayError('IDP_UNTRUSTED', 'the IDP failed a trust check', {
    check,
    ...(cause !== undefined && { cause }),
  });
}

function base64(value: unknown): Uint8Array {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : Buffer.alloc(0);
  if (bytes.length === 0 || bytes.toString('base64') !== value) throw new WireError('JOSE_HEADER', 'x5c is no base64');
  return bytes;
}
