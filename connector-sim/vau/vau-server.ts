// The VAU of a simulated record system as its clients meet it: POST /VAU, POST <VAU-CID>, GET /CertData.<hash>-<cdv>
// (gemSpec_Krypt 7; epa-record-system.md 1.1, 1.4, 1.7). What breaks on purpose is named in docs/faults.md.
import { randomBytes } from 'node:crypto';
import type { HttpRequest } from '../../wire/http-message.ts';
import type { K2 } from '../../wire/vau-keys.ts';
import type { Fault, Faults } from '../faults.ts';
import { type HttpAnswer, type HttpRequestIn, headerOf, type InnerExchange } from '../http-server.ts';
import { strikesBefore, underFault } from '../network-faults.ts';
import type { RecordSystemId } from '../records.ts';
import type { VendorProfile } from '../tables/vendors.ts';
import type { World } from '../world.ts';
import { createCertData } from './cert-data.ts';
import { answerM3, type Handshake, readM1, writeM2 } from './vau-channel.ts';
import { type Channel, type OpenChannel, VauChannels } from './vau-channels.ts';
import { restartAnswer, VauError, vauErrorAnswer } from './vau-errors.ts';
import { createChannelKeys, openRequest, sealResponse } from './vau-frames.ts';
import {
  borrowedIdentity,
  createServerKeys,
  type IdentityBreak,
  signedKeys,
  trueIdentity,
  type VauIdentity,
  type VauServerKeys,
  wrongIdentity,
} from './vau-identity.ts';

export type { OpenChannel } from './vau-channels.ts';

export type VauServer = {
  /** Answers the VAU's own paths; undefined for every other path. */
  handle(request: HttpRequestIn): Promise<HttpAnswer> | undefined;
  /** Forgets every channel with its session (restart of the VAU instance). */
  forget(): void;
  /** How many channels it holds, unfinished handshakes among them. */
  channels(): number;
};

/**
 * `inner` answers the HTTP request inside a frame; status 0 = the request was lost before it acted. `instanceOf`: the VAU
 * instance a VAU-NP leads to.
 */
export function createVauServer<S>(deps: {
  id: RecordSystemId;
  world: World;
  faults: Faults;
  createSession: (instance: number) => S;
  instanceOf: (vauNp: string) => number | undefined;
  inner: (request: HttpRequest, channel: OpenChannel<S>) => Promise<HttpAnswer>;
}): VauServer {
  const { id, world, faults } = deps;
  // an hour after the user session of a silent channel must be over, nobody can want it back
  const idleLifeMs = () => world.choices.sessionLifeMs + 3_600_000;
  const channels = new VauChannels<S>({ now: world.now, idleLifeMs });
  let keys: VauServerKeys | undefined;
  const certData = createCertData(deps);
  const manner = (): VendorProfile => world.profileOf(id);

  function serverKeys(): VauServerKeys {
    // renewed a day before they run out; channels under way keep the pair they were shown
    if (keys === undefined || world.now() / 1000 > keys.exp - 86_400) keys = createServerKeys(world.now());
    return keys;
  }

  async function m1(request: HttpRequestIn, fault: Fault | undefined): Promise<HttpAnswer> {
    const client = readM1(request.body);
    const broken = breaksOf(fault);
    const which = broken.find((one) => one.kind === 'wrong-certificate')?.what;
    const identity = identityFor(which);
    // 'hash': all agrees with the certificate that CertData delivers, but cert_hash is not its hash
    const certHash = which === 'hash' ? randomBytes(32) : undefined;
    certData.show(identity, certHash);
    const cdv = certData.cdv();
    const shared = { pki: world.pki, now: world.now(), manner: manner() };
    // who shows another's keys cannot open what is encrypted to them
    const shown = which === 'other-vau' ? createServerKeys(world.now()) : serverKeys();
    const handshake = writeM2({
      m1: request.body,
      client,
      keys: serverKeys(),
      signedKeys: signedKeys({ ...shared, keys: shown, identity, cdv, certHash, broken }),
      form: shared.manner.cborMaps,
      broken: broken.find((one) => one.kind === 'wrong-key' && M2_BREAKS.has(one.what))?.what,
    });
    const instance = instanceFor(request);
    const cid = inventCid(world.random, instance);
    channels.start(cid, { handshake, broken: broken.find((one) => M4_BREAKS.has(one.what))?.what, instance });
    const headers: HttpAnswer['headers'] = [['Content-Type', 'application/cbor']];
    const named = fault?.kind === 'wrong-cid' ? wrongCid(String(fault.params?.what ?? 'chars'), cid) : cid;
    if (named !== undefined) headers.push(['VAU-CID', named]);
    return { status: 200, headers, body: handshake.m2 };
  }

  function identityFor(which: string | undefined): VauIdentity {
    if (which === undefined || which === 'hash') return trueIdentity(world.pki, id);
    return borrowedIdentity(world.pki, id, which) ?? wrongIdentity(world.pki, which, world.now());
  }

  function m3(channel: Channel<S>, handshake: Handshake, body: Uint8Array): HttpAnswer {
    channel.handshake = undefined; // one M3 only, whether it succeeds or not
    const { m4, k2 } = answerM3(handshake, body, channel.broken);
    channel.open = openChannel(k2, channel.instance);
    return { status: 200, headers: [['Content-Type', 'application/cbor']], body: m4 };
  }

  function openChannel(k2: K2, instance: number): OpenChannel<S> {
    return { data: createChannelKeys(k2), openedAt: world.now(), session: deps.createSession(instance) };
  }

  /** The instance that knows the user, or any (A_24757). */
  function instanceFor(request: HttpRequestIn): number {
    const { instances } = manner();
    if (instances === 1) return 0;
    return deps.instanceOf(headerOf(request, 'VAU-NP') ?? '') ?? Math.floor(world.random() * instances);
  }

  /** The channel at the instance this message reaches: VAU-NP leads to one, without it VAU-CID does. */
  function channelAt(request: HttpRequestIn): Channel<S> | undefined {
    const channel = channels.use(request.path);
    const instance = deps.instanceOf(headerOf(request, 'VAU-NP') ?? '');
    return instance === undefined || instance === channel?.instance ? channel : undefined;
  }

  async function data(open: OpenChannel<S>, body: Uint8Array, fault: Fault | undefined): Promise<HttpAnswer> {
    const { request, counter } = openRequest(open.data, body);
    const started = { operation: `${request.method} ${request.path}`, request, response: null };
    if (strikesBefore(fault)) return { status: 0, headers: [], body: '', uncounted: true, inner: [started], fault };
    const answer = await deps.inner(request, open);
    if (fault?.kind === 'drop-channel') {
      const { operation = started.operation, rule } = answer;
      return droppedAnswer(fault, manner(), { inner: [{ ...started, operation, rule }] });
    }
    const bytes = typeof answer.body === 'string' ? Buffer.from(answer.body, 'utf8') : answer.body;
    const inner: InnerExchange = {
      operation: answer.operation ?? started.operation,
      request,
      response: answer.status === 0 ? null : { status: answer.status, headers: answer.headers, body: bytes },
      rule: answer.rule,
    };
    if (answer.status === 0) return { ...answer, uncounted: true, operation: 'vau.data', inner: [inner] };
    const struck = answer.fault ?? fault;
    const what = struck?.kind === 'wrong-frame' ? String(struck.params?.what ?? 'ciphertext') : undefined;
    const frame = await sealResponse(open.data, counter, { ...answer, body: bytes }, { ...manner(), what });
    const headers: HttpAnswer['headers'] = [['Content-Type', 'application/octet-stream']];
    return { status: 200, headers, body: frame, inner: [inner], fault: struck };
  }

  async function post(request: HttpRequestIn): Promise<HttpAnswer> {
    const atVau = request.path === '/VAU';
    const channel = channelAt(request);
    const operation = atVau || channel?.handshake !== undefined ? 'vau.handshake' : 'vau.data';
    const more = { operation, uncounted: channel?.handshake !== undefined };
    const isM3 = !atVau && operation === 'vau.handshake';
    const fault = faults.take(isM3 ? 'vau.m3' : operation, { recordSystem: id });
    try {
      if (!USER_AGENT.test(headerOf(request, 'x-useragent') ?? '')) throw new VauError(2, 'vau.useragent');
      if (fault?.kind === 'cbor-error') throw new VauError(Number(fault.params?.code ?? 0), 'fault');
      if (fault?.kind === 'drop-channel') {
        channels.forget(request.path);
        if (fault.params?.when !== 'after') return droppedAnswer(fault, manner(), more);
      }
      if (fault?.kind === 'restart') {
        // 'foreign': the message of another channel, which a client must not take for its own
        const foreign = fault.params?.what === 'foreign';
        const keyId = (foreign ? undefined : channel?.open?.data.k2.KeyID) ?? randomBytes(32);
        if (fault.params?.what === 'instance' && channel !== undefined) channels.forgetInstance(channel.instance);
        else if (!foreign) forget();
        return restartAnswer(keyId, manner(), { ...more, fault });
      }
      const answer = await underFault(
        operation === 'vau.handshake' ? fault : onlyStatus(fault),
        operation,
        async () => {
          if (atVau) return m1(requireType(request, 'application/cbor'), fault);
          if (channel?.handshake !== undefined)
            return m3(channel, channel.handshake, requireType(request, 'application/cbor').body);
          const open = channel?.open;
          if (open === undefined) throw new VauError(9, 'vau.unknown-cid');
          return data(open, requireType(request, 'application/octet-stream').body, fault);
        },
        manner().infrastructure,
      );
      return { ...more, ...answer };
    } catch (error) {
      if (!(error instanceof VauError)) throw error;
      if (operation === 'vau.handshake') channels.forget(request.path);
      return vauErrorAnswer(error, manner(), { ...more, fault });
    }
  }

  function forget(): void {
    channels.clear();
  }

  world.onReset(() => {
    forget();
    keys = undefined;
  });

  return {
    forget,
    channels: () => channels.size,
    handle(request) {
      if (request.path.startsWith('/CertData.')) {
        return request.method === 'GET' ? certData.answer(request.path) : Promise.resolve(notAllowed('certdata'));
      }
      if (request.path !== '/VAU' && !request.path.startsWith(CID_PREFIX) && !isVauMessage(request)) return undefined;
      return request.method === 'POST' ? post(request) : Promise.resolve(notAllowed('vau.data'));
    },
  };
}

/** gematik's pattern of ClientID/version; required outside the VAU as well as inside. */
export const USER_AGENT = /^[a-zA-Z0-9-]{1,20}\/[a-zA-Z0-9\-.]{1,15}$/;
const CID_PREFIX = '/c-';

/** A path of `[A-Za-z0-9-/]`, at most 200 characters; length, case and doubled slashes differ by seed (A_24622); it names the instance. */
function inventCid(random: () => number, instance: number): string {
  const middle = ['/', '//', '/VAU-', '/a/B//'][Math.floor(random() * 4)] ?? '/';
  const tail = randomBytes(16 + Math.floor(random() * 60)).toString('hex');
  return `${CID_PREFIX}${instance}-${Math.floor(random() * 1000)}${middle}${random() < 0.5 ? tail : tail.toUpperCase()}`;
}

function wrongCid(what: string, cid: string): string | undefined {
  const cids: Record<string, string | undefined> = {
    chars: `${cid}_.%2e`,
    long: `/${'a'.repeat(200)}`,
    url: `https://127.0.0.1:1${cid}`,
    relative: cid.slice(1),
    query: `${cid}?x=1`,
    missing: undefined,
  };
  return what in cids ? cids[what] : `${cid}_`;
}

/** What each message after M1 can have wrong, as `params.what` names it. */
const M2_BREAKS: ReadonlySet<string> = new Set(['curve', 'ml-kem', 'aead']);
const M4_BREAKS: ReadonlySet<string> = new Set(['m4', 'm4-key', 'other-vau']);

const FIRST_BREAK: Readonly<Record<string, string>> = {
  'wrong-certificate': 'root',
  'wrong-signature': 'keys',
  'wrong-key': 'm4',
  'wrong-ocsp': 'responder',
  'wrong-claim': 'future',
};

/** What the fault breaks: its own kind, and each of `params.also` (`{kind, what}`) with it. */
function breaksOf(fault: Fault | undefined): IdentityBreak[] {
  if (fault === undefined) return [];
  const one = (kind: string, params: Record<string, unknown> = {}) => ({
    kind,
    what: String(params.what ?? params.which ?? FIRST_BREAK[kind] ?? ''),
  });
  const also = Array.isArray(fault.params?.also) ? (fault.params.also as Record<string, unknown>[]) : [];
  return [one(fault.kind, fault.params), ...also.map((more) => one(String(more.kind), more))];
}

/** Faults on a data frame act around the inner answer, so only `http-status` is left to the outer frame. */
function onlyStatus(fault: Fault | undefined): Fault | undefined {
  return fault?.kind === 'http-status' ? fault : undefined;
}

/** What is said of a channel that has just been forgotten; with `answer: 'cut'` the listener ends the connection instead. */
function droppedAnswer(fault: Fault, manner: VendorProfile, more: Partial<HttpAnswer>): HttpAnswer {
  return { operation: 'vau.data', ...vauErrorAnswer(new VauError(9, 'fault'), manner, more), fault };
}

/** Also at a path that is no VAU-CID of ours: the client holds one of another instance (error 9). */
function isVauMessage(request: HttpRequestIn): boolean {
  return request.method === 'POST' && ['application/cbor', 'application/octet-stream'].includes(mediaTypeOf(request));
}

function mediaTypeOf(request: HttpRequestIn): string {
  return (headerOf(request, 'content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function requireType(request: HttpRequestIn, type: string): HttpRequestIn {
  if (mediaTypeOf(request) !== type) throw new VauError(1, 'vau.content-type');
  return request;
}

function notAllowed(operation: string): HttpAnswer {
  return { status: 405, headers: [], body: '', operation, rule: 'http.method' };
}
