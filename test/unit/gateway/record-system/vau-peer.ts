// A VAU for the tests, bent at each point a check looks at (epa-record-system.md 1): written from the reference, not from the
// client and not from the simulator. It opens every frame it gets and keeps what stood in it.
import { sign } from 'node:crypto';
import type { Issued } from '../../../../certs/mint.ts';
import { createOcspResponse } from '../../../../certs/ocsp.ts';
import { type ChannelOptions, VauChannel } from '../../../../gateway/record-system/vau-channel.ts';
import { VauTrust } from '../../../../gateway/record-system/vau-trust.ts';
import { type CborMap, cborBytes, decodeCborMap, encodeCbor } from '../../../../wire/cbor.ts';
import { type HttpRequest, parseRequest, writeResponse } from '../../../../wire/http-message.ts';
import { frameIv, openFrame, openHandshake, sealFrame, sealHandshake } from '../../../../wire/vau-frame.ts';
import {
  cborPoint,
  checkPublicKeys,
  decapsulate,
  deriveK1,
  deriveK2,
  encapsulate,
  generateVauKeyPair,
  type K2,
  readCiphertext,
  transcript,
} from '../../../../wire/vau-keys.ts';
import { type Answer, fakeEgress, NOW, type Pki, RECORD_SYSTEM, type Route, USER_AGENT } from './peers.ts';

/** `raw` stands in the frame in place of a well-formed response. */
export type Inner = (request: HttpRequest) => Answer & { contentLength?: boolean; raw?: string };

/** Each member replaces one thing an honest VAU sends. */
export type Twist = {
  cert?: Issued;
  certData?: (map: CborMap) => CborMap | Uint8Array;
  certDataStatus?: number;
  certHash?: Uint8Array;
  ocsp?: Uint8Array;
  keys?: (map: CborMap) => CborMap;
  signature?: (right: Uint8Array) => Uint8Array;
  signer?: Issued;
  signedKeys?: (map: CborMap) => CborMap;
  cid?: string;
  m2?: (map: CborMap) => CborMap;
  m4?: (map: CborMap) => CborMap;
  /** Answers a data frame in place of the VAU; gets the KeyID and the honest response frame. */
  data?: (honest: Uint8Array, keyId: Uint8Array) => Answer | undefined;
};

type Channel = { keys?: K2; finish: (m3: Uint8Array) => { m4: Uint8Array; keys: K2 } };

/** A record system's outer interface: CertData, VAU, data frames. `inner` answers what was in the frames. */
export function vauPeer(pki: Pki, inner: Inner, twist: Twist = {}) {
  const certificate = twist.cert ?? pki.vau;
  const { ecdh, kyber, public: publicKeys } = generateVauKeyPair();
  const channels = new Map<string, Channel>();
  const seen: { inner: HttpRequest[]; counters: bigint[]; ivs: string[]; handshakes: number } = {
    inner: [],
    counters: [],
    ivs: [],
    handshakes: 0,
  };

  const m1 = (M1: Uint8Array): Answer => {
    const { ct, ss } = encapsulate(checkPublicKeys(decodeCborMap(M1)));
    const iat = NOW / 1000 - 60;
    const honest: CborMap = {
      ECDH_PK: cborPoint(publicKeys.ECDH_PK),
      Kyber768_PK: publicKeys.Kyber768_PK,
      iat,
      exp: iat + 30 * 86_400,
      comment: 'test',
    };
    const signed_pub_keys = encodeCbor(twist.keys?.(honest) ?? honest);
    const signature = sign('sha256', signed_pub_keys, {
      key: (twist.signer ?? certificate).privateKey,
      dsaEncoding: 'ieee-p1363',
    });
    const signedKeys: CborMap = {
      signed_pub_keys,
      'signature-ES256': twist.signature?.(signature) ?? signature,
      cert_hash: twist.certHash ?? certificate.certificate.sha256,
      cdv: 1,
      ocsp_response: twist.ocsp ?? goodOcsp(pki, certificate),
    };
    const map: CborMap = {
      MessageType: 'M2',
      ECDH_ct: cborPoint(ct.ECDH_ct),
      Kyber768_ct: ct.Kyber768_ct,
      AEAD_ct: sealHandshake(deriveK1(ss).K1_s2c, encodeCbor(twist.signedKeys?.(signedKeys) ?? signedKeys)),
    };
    const M2 = encodeCbor(twist.m2?.(map) ?? map);
    seen.handshakes += 1;
    const cid = twist.cid ?? `//vau/${seen.handshakes}`;
    channels.set(cid, {
      finish: (M3) => {
        const m3 = decodeCborMap(M3);
        const aead = cborBytes(m3, 'AEAD_ct');
        const layer = decodeCborMap(openHandshake(deriveK1(ss).K1_c2s, aead));
        const keys = deriveK2(ss, decapsulate({ ecdh, kyber, public: publicKeys }, readCiphertext(layer)));
        const confirmed = openHandshake(keys.K2_c2s_key_confirmation, cborBytes(m3, 'AEAD_ct_key_confirmation', 60));
        if (!Buffer.from(confirmed).equals(transcript(M1, M2, aead))) throw new Error('M3 transcript');
        const m4: CborMap = {
          MessageType: 'M4',
          AEAD_ct_key_confirmation: sealHandshake(keys.K2_s2c_key_confirmation, transcript(M1, M2, M3)),
        };
        return { m4: encodeCbor(twist.m4?.(m4) ?? m4), keys };
      },
    });
    return { status: 200, headers: { 'content-type': 'application/cbor', 'vau-cid': cid }, body: M2 };
  };

  const data = async (keys: K2, frame: Uint8Array): Promise<Answer> => {
    const { header, plaintext } = openFrame({ key: keys.K2_c2s_app_data, frame });
    seen.counters.push(header.counter);
    seen.ivs.push(Buffer.from(frame.subarray(43, 55)).toString('hex'));
    const request = parseRequest(plaintext);
    seen.inner.push(request);
    const { status, headers = {}, body = '', contentLength = true, raw } = inner(request);
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
    const sealed = sealFrame({
      header: { pu: header.pu, kind: 'response', counter: header.counter, keyId: keys.KeyID },
      key: keys.K2_s2c_app_data,
      iv: frameIv(header.counter, new Uint8Array(4)),
      plaintext:
        raw === undefined
          ? writeResponse({ status, headers: Object.entries(headers), body: bytes, contentLength })
          : new TextEncoder().encode(raw),
    });
    const pieces: Uint8Array[] = [];
    for await (const piece of sealed) pieces.push(piece);
    const honest = new Uint8Array(Buffer.concat(pieces));
    return (
      twist.data?.(honest, keys.KeyID) ?? {
        status: 200,
        headers: { 'content-type': 'application/octet-stream' },
        body: honest,
      }
    );
  };

  const route: Route = async ({ request, body }) => {
    const url = new URL(request.url);
    if (url.origin !== RECORD_SYSTEM.url) return undefined;
    if (url.pathname.startsWith('/CertData.')) {
      const honest: CborMap = {
        cert: certificate.certificate.der,
        ca: pki.ca.certificate.der,
        rca_chain: [pki.root.certificate.der],
      };
      const sent = twist.certData?.(honest) ?? honest;
      return { status: twist.certDataStatus ?? 200, body: sent instanceof Uint8Array ? sent : encodeCbor(sent) };
    }
    if (url.pathname === '/VAU') return m1(body);
    const channel = channels.get(url.pathname);
    if (channel === undefined)
      return { status: 403, headers: { 'content-type': 'application/cbor' }, body: vauError(9, 'unknown CID') };
    if (channel.keys !== undefined) return data(channel.keys, body);
    const { m4, keys } = channel.finish(body);
    channel.keys = keys;
    return { status: 200, headers: { 'content-type': 'application/cbor' }, body: m4 };
  };
  return { route, seen, forgetAll: () => channels.clear() };
}

export type Opening = { inner?: Inner; twist?: Twist; before?: Route; options?: Partial<ChannelOptions> };

/** The client's channel to such a VAU; `before` may answer what goes to it. */
export async function openVauChannel(pki: Pki, o: Opening = {}) {
  const peer = vauPeer(pki, o.inner ?? (() => ({ status: 200, body: '{}' })), o.twist);
  const egress = fakeEgress(o.before ?? (() => undefined), peer.route);
  const now = () => NOW;
  const trust = new VauTrust({ egress, anchors: () => pki.anchors, userAgent: USER_AGENT, now });
  const options = { recordSystem: RECORD_SYSTEM, egress, trust, userAgent: USER_AGENT, now, pu: false, ...o.options };
  return { channel: await VauChannel.open(options), peer, egress };
}

export const vauError = (ErrorCode: number, ErrorMessage: string): Uint8Array =>
  encodeCbor({ MessageType: 'Error', ErrorCode, ErrorMessage });

export function goodOcsp(pki: Pki, about: Issued = pki.vau): Uint8Array {
  return ocspOf(pki, { certificate: about.certificate });
}

/** An OCSP answer about the VAU's certificate, one hour old, with what `o` changes. */
export function ocspOf(pki: Pki, o: Partial<Parameters<typeof createOcspResponse>[0]>): Uint8Array {
  return createOcspResponse({
    certificate: pki.vau.certificate,
    issuer: pki.ca.certificate,
    status: 'good',
    producedAt: new Date(NOW - 3_600_000),
    signer: pki.ocsp,
    ...o,
  });
}
