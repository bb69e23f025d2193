// A small VAU client that can say every message wrongly, for the tests of the simulator only (epa-record-system.md 1.2–1.5).
// It shares the codecs of wire/; the judge that shares nothing is kyber-peer.ts.
import { randomUUID } from 'node:crypto';
import type { HttpAnswer } from '../../connector-sim/http-server.ts';
import type { SimService } from '../../connector-sim/parts.ts';
import { type CborMap, type CborValue, cborBytes, cborUint, decodeCborMap, encodeCbor } from '../../wire/cbor.ts';
import { type HttpResponse, parseResponse, writeRequest } from '../../wire/http-message.ts';
import { frameIv, openFrame, openHandshake, sealFrame, sealHandshake } from '../../wire/vau-frame.ts';
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
  type SharedSecret,
  transcript,
} from '../../wire/vau-keys.ts';
import { AGENT, ask, bytesOf } from './sim-services.ts';

export type SignedKeys = {
  map: CborMap;
  publicKeys: CborMap;
  certHash: Uint8Array;
  cdv: number;
  ocsp: Uint8Array;
  signature: Uint8Array;
};
/** Changes to a message before it is sent, to break one rule. */
export type Edits = {
  m1?: (m1: CborMap) => CborMap;
  m3?: (m3: CborMap) => CborMap;
  m3Inner?: (inner: CborMap) => CborValue;
  confirmation?: (hash: Uint8Array) => Uint8Array;
  bareMlKem?: boolean;
  /** VAU-NP of an earlier login. */
  vauNp?: string;
};
export type Started = {
  cid: string;
  m1: Uint8Array;
  m2: Uint8Array;
  ss_e: SharedSecret;
  signed: SignedKeys;
  answer: HttpAnswer;
};

const CBOR: [string, string][] = [
  ['Content-Type', 'application/cbor'],
  ['x-useragent', AGENT],
];

/** M1 and M2. */
export async function startHandshake(service: SimService, edits: Edits = {}): Promise<Started> {
  const pair = generateVauKeyPair();
  const { ECDH_PK, Kyber768_PK } = pair.public;
  const map: CborMap = { MessageType: 'M1', ECDH_PK: cborPoint(ECDH_PK), Kyber768_PK };
  const m1 = encodeCbor(edits.m1?.(map) ?? map);
  const headers: typeof CBOR = [
    ...CBOR,
    ...(edits.vauNp === undefined ? [] : [['VAU-NP', edits.vauNp] as [string, string]]),
  ];
  const answer = await ask(service, { method: 'POST', url: '/VAU', headers, body: m1 });
  if (answer.status !== 200) throw new HandshakeRefused(answer);
  const m2 = bytesOf(answer);
  const message = decodeCborMap(m2);
  const scheme = edits.bareMlKem === true ? 'ml-kem-768' : 'kyber768-round3';
  const ss_e = decapsulate(pair, readCiphertext(message), scheme);
  const signed = readSigned(openHandshake(deriveK1(ss_e).K1_s2c, cborBytes(message, 'AEAD_ct')));
  return { cid: answer.headers.find(([name]) => name === 'VAU-CID')?.[1] ?? '', m1, m2, ss_e, signed, answer };
}

export class HandshakeRefused extends Error {
  readonly answer: HttpAnswer;
  constructor(answer: HttpAnswer) {
    super(`refused by ${answer.rule}`);
    this.answer = answer;
  }
}

function readSigned(bytes: Uint8Array): SignedKeys {
  const map = decodeCborMap(bytes);
  return {
    map,
    publicKeys: decodeCborMap(cborBytes(map, 'signed_pub_keys')),
    certHash: cborBytes(map, 'cert_hash', 32),
    cdv: cborUint(map, 'cdv'),
    ocsp: cborBytes(map, 'ocsp_response'),
    signature: cborBytes(map, 'signature-ES256'),
  };
}

/** M3 and M4. */
export async function finishHandshake(service: SimService, started: Started, edits: Edits = {}): Promise<TestChannel> {
  const { ss_e, m1, m2, signed, cid } = started;
  const { ct, ss: ss_s } = encapsulate(checkPublicKeys(signed.publicKeys));
  const k2 = deriveK2(ss_e, ss_s);
  const innerMap: CborMap = { ECDH_ct: cborPoint(ct.ECDH_ct), Kyber768_ct: ct.Kyber768_ct, ERP: false, ESO: false };
  const sealed = sealHandshake(deriveK1(ss_e).K1_c2s, encodeCbor(edits.m3Inner?.(innerMap) ?? innerMap));
  const hash = transcript(m1, m2, sealed);
  const confirmation = sealHandshake(k2.K2_c2s_key_confirmation, edits.confirmation?.(hash) ?? hash);
  const map: CborMap = { MessageType: 'M3', AEAD_ct: sealed, AEAD_ct_key_confirmation: confirmation };
  const m3 = encodeCbor(edits.m3?.(map) ?? map);
  const answer = await ask(service, { method: 'POST', url: cid, headers: CBOR, body: m3 });
  if (answer.status !== 200) throw new HandshakeRefused(answer);
  const theirs = openHandshake(
    k2.K2_s2c_key_confirmation,
    cborBytes(decodeCborMap(bytesOf(answer)), 'AEAD_ct_key_confirmation'),
  );
  return new TestChannel({ service, cid, k2, confirmed: Buffer.compare(theirs, transcript(m1, m2, m3)) === 0 });
}

export async function openChannel(service: SimService, edits: Edits = {}): Promise<TestChannel> {
  return finishHandshake(service, await startHandshake(service, edits), edits);
}

export type InnerRequest = { method?: string; path: string; headers?: [string, string][]; body?: Uint8Array | string };

export class TestChannel {
  readonly service: SimService;
  readonly cid: string;
  readonly k2: K2;
  /** M4 confirmed the transcript of M1, M2 and M3. */
  readonly confirmed: boolean;
  #counter = 0n;

  constructor(o: { service: SimService; cid: string; k2: K2; confirmed: boolean }) {
    this.service = o.service;
    this.cid = o.cid;
    this.k2 = o.k2;
    this.confirmed = o.confirmed;
  }

  nextCounter(): bigint {
    this.#counter += 1n;
    return this.#counter;
  }

  async frame(
    plaintext: Uint8Array,
    counter = this.nextCounter(),
    change: { pu?: boolean; response?: boolean; keyId?: Uint8Array; iv?: Uint8Array } = {},
  ): Promise<Uint8Array> {
    const header = {
      pu: change.pu ?? false,
      kind: change.response === true ? ('response' as const) : ('request' as const),
      counter,
      keyId: change.keyId ?? this.k2.KeyID,
    };
    const iv = change.iv ?? frameIv(counter, Buffer.from('test'));
    const chunks = await Array.fromAsync(sealFrame({ header, key: this.k2.K2_c2s_app_data, iv, plaintext }));
    return Buffer.concat(chunks);
  }

  send(frame: Uint8Array, type = 'application/octet-stream', more: [string, string][] = []): Promise<HttpAnswer> {
    const headers: [string, string][] = [['Content-Type', type], ['x-useragent', AGENT], ...more];
    return ask(this.service, { method: 'POST', url: this.cid, headers, body: frame });
  }

  /** One inner request; the outer answer with it, for rule and fault. */
  async exchange(request: InnerRequest): Promise<{ outer: HttpAnswer; rule: string | null; response: HttpResponse }> {
    const body = typeof request.body === 'string' ? Buffer.from(request.body) : (request.body ?? new Uint8Array());
    const headers: [string, string][] = request.headers ?? [];
    const has = (name: string) => headers.some(([key]) => key.toLowerCase() === name);
    const all: [string, string][] = [
      ...(has('host') ? [] : [['Host', 'epa-as-1.test'] as [string, string]]),
      ...(has('x-useragent') ? [] : [['x-useragent', AGENT] as [string, string]]),
      ...(has('x-request-id') ? [] : [['X-Request-ID', randomUUID()] as [string, string]]),
      ...headers,
    ];
    const message = writeRequest({ method: request.method ?? 'GET', path: request.path, headers: all, body });
    const outer = await this.send(await this.frame(message));
    const rule = outer.inner?.[0]?.rule ?? null;
    return { outer, rule, response: parseResponse(this.open(bytesOf(outer))) };
  }

  open(frame: Uint8Array): Uint8Array {
    return openFrame({ key: this.k2.K2_s2c_app_data, frame }).plaintext;
  }
}
