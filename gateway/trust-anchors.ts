// The TI trust anchors of the settings, read anew when their files change (SEC-11, CRT-05): an authority that is taken out is
// trusted by nobody from then on, without a restart. Files that cannot be read, or hold what belongs to another environment, leave
// the anchors of before in force: half a replacement must not take trust away, and never gives any.
import { readFileSync, statSync } from 'node:fs';
import { type Certificate, readPem } from '../certs/certificate.ts';
import type { TrustAnchors } from '../certs/trust.ts';
import { GatewayError } from './errors.ts';
import type { Timer } from './exports/worker.ts';
import type { Logger } from './log.ts';
import { markOf, PKI } from './tables/environments.ts';
import type { Settings } from './tables/settings-manifest.ts';
import type { TrustListKeeper } from './trust-list.ts';

export const LOOK_EVERY_MS = 10_000;

export type AnchorFiles = {
  /** Those of now: whether the files have changed is looked at with each call. GatewayError TRUST_LIST_UNUSABLE. */
  anchors(): TrustAnchors;
  /** Called after a change: what was judged by the anchors of before is to be judged anew. */
  onChange(listener: () => void): void;
  stop(): void;
};

type Options = {
  settings: Pick<Settings, 'trust' | 'environment'>;
  log: Logger;
  timer: Timer;
  /** The trust-service list, whose CAs and OCSP responders stand beside those of the files. */
  list?: Pick<TrustListKeeper, 'current' | 'onChange'> | undefined;
};

/** GatewayError CONFIG_INVALID where they cannot be read at the start. */
export function openTrustAnchors({ settings, log, timer, list }: Options): AnchorFiles {
  const listeners: (() => void)[] = [];
  let stamp = stampOf(settings);
  let current = readAnchors(settings);
  let cancel = () => {};

  const look = () => {
    const now = stampOf(settings);
    if (now === stamp) return;
    // Also after a failure: the same files are not read again and again.
    stamp = now;
    try {
      current = readAnchors(settings);
    } catch (thrown) {
      if (!(thrown instanceof GatewayError)) throw thrown;
      log.error('trust anchors not read, those of before stay', { code: thrown.code, check: thrown.check });
      return;
    }
    log.info('trust anchors read anew', { count: current.roots.length + current.intermediates.length });
    for (const listener of listeners) listener();
  };
  const again = () => {
    cancel = timer(LOOK_EVERY_MS, () => {
      look();
      again();
    });
  };
  again();
  return {
    anchors: () => {
      look();
      const listed = list?.current();
      if (listed === undefined) return current;
      return {
        roots: current.roots,
        intermediates: [...current.intermediates, ...listed.cas],
        ocspSigners: [...current.ocspSigners, ...listed.ocspSigners],
        listed: true,
      };
    },
    onChange: (listener) => {
      listeners.push(listener);
      list?.onChange(listener);
    },
    stop: () => cancel(),
  };
}

const KEYS = ['rootsFile', 'intermediatesFile', 'ocspSignersFile'] as const;

/** Changes whenever a file is written or another is put in its place. */
function stampOf({ trust }: Options['settings']): string {
  return KEYS.map((key) => {
    const path = trust[key];
    const found = path === undefined ? undefined : statSync(path, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? 'none' : `${found.ino} ${found.size} ${found.mtimeNs}`;
  }).join('\n');
}

function readAnchors(settings: Options['settings']): TrustAnchors {
  const read = (key: (typeof KEYS)[number]) =>
    certificatesIn(`trust.${key}`, settings.trust[key], settings.environment);
  return { roots: read('rootsFile'), intermediates: read('intermediatesFile'), ocspSigners: read('ocspSignersFile') };
}

function certificatesIn(key: string, path: string | undefined, environment: Settings['environment']): Certificate[] {
  if (path === undefined) return [];
  let found: Certificate[];
  try {
    found = readPem(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new GatewayError('CONFIG_INVALID', `${key} does not hold readable certificates`, { cause, check: key });
  }
  if (found.some(({ subject }) => markOf(subject) !== PKI[environment]))
    throw new GatewayError('CONFIG_INVALID', `${key} holds a certificate of another environment than ${environment}`, {
      check: key,
    });
  return found;
}
