// How the simulated IDP changes its keys, the signer of its discovery document and its paths while clients hold the old ones
// (D28; epa-record-system.md 2.2): hard, or with an overlap in which old and new both do. Switched on as the fault `rotate`.
import type { Issued } from '../../certs/mint.ts';
import type { Fault, Faults } from '../faults.ts';
import type { SimPki } from '../pki.ts';
import { endsSoon } from '../renewals.ts';
import type { World } from '../world.ts';
import { createIdpKeys, type IdpKeys, type IdpPaths, inventPaths, mintDiscoverySigner } from './idp-keys.ts';

type What = 'keys' | 'discovery' | 'paths';

export type IdpRotation = {
  /** Those that sign and are published now. */
  keys(): IdpKeys;
  /** The signing key that comes next, where it is announced (`signed_jwks_uri`). */
  coming(): Issued | undefined;
  /** Whose answers are opened: of the keys of now, and of before where the change was announced. */
  encKeys(): readonly IdpKeys['enc'][];
  discoverySigner(): Issued;
  /** Those that the discovery document names. */
  paths(): IdpPaths;
  /** Every set of paths that is served. */
  served(): readonly IdpPaths[];
  /** Called as a request comes: a change that was put off until then happens now. */
  arrives(operation: string): void;
  /** A hard change of keys. */
  rotateKeys(): void;
  view(): Record<string, unknown>;
};

export function createRotation(parts: { world: World; pki: SimPki; faults: Faults }): IdpRotation {
  const { world, pki, faults } = parts;
  const changes: Record<What, number> = { keys: 0, discovery: 0, paths: 0 };
  let keys = createIdpKeys(pki, world.now());
  let paths = inventPaths(world.random);
  let signers: Issued[] = [pki.idpSigner];
  let told = pki.idpSigner;
  let older: IdpKeys['enc'][] = [];
  let oldPaths: IdpPaths[] = [];
  let coming: IdpKeys | undefined;
  let signed = 0;
  let putOff: { operation: string; fault: Fault } | undefined;
  let overlap: string | undefined;

  const newPaths = (): IdpPaths => {
    // Drawn until it differs, and below a folder of its own, so that no old path is served by chance.
    const drawn = inventPaths(world.random);
    const below = (path: string) => `/v${changes.paths + 2}${path}`;
    return {
      authorization: below(drawn.authorization),
      token: below(drawn.token),
      pukSig: below(drawn.pukSig),
      pukEnc: below(drawn.pukEnc),
      jwks: below(drawn.jwks),
      signedJwks: below(drawn.signedJwks),
    };
  };

  function begin({ params, id }: Fault): void {
    faults.markStruck(id);
    const what = whatOf(params?.what);
    const soft = params?.overlap === true;
    if (soft) overlap = id;
    changes[what] += 1;
    if (what === 'discovery') {
      const signer = mintDiscoverySigner(pki, world.now());
      signers = soft ? [signers.at(-1) ?? pki.idpSigner, signer] : [signer];
    } else if (what === 'paths') {
      oldPaths = soft ? [paths] : [];
      paths = newPaths();
    } else if (soft) coming = createIdpKeys(pki, world.now());
    else rotateKeys();
  }

  /** The overlap is over: what was announced is all there is. */
  function end(): void {
    overlap = undefined;
    oldPaths = [];
    signers = signers.slice(-1);
    if (coming === undefined) return;
    // Answers to the old key may be on their way, and clients read the new one when they next look.
    older = [keys.enc];
    keys = coming;
    coming = undefined;
  }

  function rotateKeys(): void {
    keys = createIdpKeys(pki, world.now());
    older = [];
    coming = undefined;
  }

  faults.onChange(async (added) => {
    const on = new Set(faults.list().map((fault) => fault.id));
    if (overlap !== undefined && !on.has(overlap)) end();
    if (putOff !== undefined && !on.has(putOff.fault.id)) putOff = undefined;
    if (added?.at !== 'idp.discovery' || added.kind !== 'rotate') return;
    const operation = added.params?.when;
    if (typeof operation === 'string') putOff = { operation, fault: added };
    else begin(added);
  });

  /** What is near its end is renewed in time, as whoever runs an IDP does (D17): a hard change, as clients meet it (D28). */
  function inTime(): void {
    const now = world.now();
    // Renewed on demand, it is what signs from now on.
    if (told !== pki.idpSigner) signers = [pki.idpSigner];
    told = pki.idpSigner;
    if (endsSoon(keys.sig, now)) rotateKeys();
    signers = signers.map((one) => (endsSoon(one, now) ? mintDiscoverySigner(pki, now) : one));
  }

  return {
    keys: () => {
      inTime();
      return keys;
    },
    coming: () => coming?.sig,
    encKeys: () => [keys.enc, ...older],
    // In an overlap the signers take turns, as instances do that were not changed at once.
    discoverySigner: () => {
      inTime();
      return signers[signed++ % signers.length] ?? pki.idpSigner;
    },
    paths: () => paths,
    served: () => [paths, ...oldPaths],
    arrives: (operation) => {
      if (putOff?.operation !== operation) return;
      const { fault } = putOff;
      putOff = undefined;
      begin(fault);
    },
    rotateKeys,
    view: () => ({ changes: { ...changes }, overlap: overlap !== undefined }),
  };
}

const whatOf = (given: unknown): What => (given === 'discovery' || given === 'paths' ? given : 'keys');
