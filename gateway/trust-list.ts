// Keeps the trust-service list (TSL) of the settings (CRT-05): fetched or read from a file, verified, never replaced by an older
// one, kept on disk so that a start needs no network, and out of force once its grace time has passed.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Certificate, readPem } from '../certs/certificate.ts';
import { CertError } from '../certs/error.ts';
import { readTrustList, type TrustList } from '../certs/tsl.ts';
import { EgressError } from './egress.ts';
import { asGatewayError, GatewayError } from './errors.ts';
import type { Timer } from './exports/worker.ts';
import type { Logger } from './log.ts';
import { markOf, PKI } from './tables/environments.ts';
import type { Settings } from './tables/settings-manifest.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
export const REFRESH_MS = 6 * HOUR;
export const AGAIN_MS = 15 * 60_000;
const KEPT = 'tsl.xml';

export type TrustListSettings = NonNullable<Settings['trust']['tsl']>;

export type TrustListOptions = {
  settings: { trust: { tsl: TrustListSettings }; environment: Settings['environment']; dataDirectory: string };
  /** The list as it is published now. */
  fetch: () => Promise<Uint8Array>;
  now: () => number;
  timer: Timer;
  log: Logger;
  /** Told of a list that failed a check (SEC-11). */
  onFailure: (failure: unknown) => void;
};

export type TrustListKeeper = {
  /** GatewayError TRUST_LIST_UNUSABLE where there is none in force: with the check that failed. */
  current(): Pick<TrustList, 'cas' | 'ocspSigners'>;
  /** Resolves when the first try to read it has ended, whatever its end. */
  begun: Promise<void>;
  /** How it stands; `list` null: none was ever taken. */
  state(): {
    list: Pick<TrustList, 'sequence' | 'issued' | 'nextUpdate' | 'signer'> | null;
    inForce: boolean;
    check: string | null;
  };
  /** Called when other certificates than before are in force. */
  onChange(listener: () => void): void;
  stop(): void;
};

/** Begins at once, with the list kept on disk where there is one. GatewayError CONFIG_INVALID for an unreadable signer file. */
export function keepTrustList(o: TrustListOptions): TrustListKeeper {
  const { tsl } = o.settings.trust;
  const anchors = signersOf(tsl.signerFile);
  const path = join(o.settings.dataDirectory, KEPT);
  const listeners: (() => void)[] = [];
  let list = kept(path, anchors, o);
  let failure = unusable('tsl.none', 'no list has been read yet');
  let cancel = () => {};
  let stopped = false;

  /** A published list in the place of the one in force; GatewayError with the check that it fails. */
  const accept = (bytes: Uint8Array) => {
    const found = judge(bytes, anchors, o);
    if (found.nextUpdate.getTime() <= o.now()) throw unusable('tsl.expired', 'its NextUpdate has passed');
    if (list !== undefined && found.sequence < list.sequence)
      throw unusable('tsl.sequence', 'older than the one before');
    if (found.sequence === list?.sequence && namesOf(found) !== namesOf(list))
      throw unusable('tsl.sequence', 'another one with the number of the one before');
    const changed = list === undefined || namesOf(found) !== namesOf(list);
    keep(path, bytes);
    list = found;
    o.log.info('trust-service list in force', { count: found.cas.length });
    if (changed) for (const listener of listeners) listener();
  };
  const refresh = async () => {
    let again = REFRESH_MS;
    try {
      accept(await o.fetch());
    } catch (thrown) {
      again = AGAIN_MS;
      failure = unread(thrown);
      o.onFailure(failure);
      o.log.warn('trust-service list not taken', { code: failure.code, check: failure.check });
    }
    // MON-01: an alarm before the stop.
    if (list !== undefined && list.nextUpdate.getTime() <= o.now())
      o.log.error('trust-service list out of date', { code: 'TRUST_LIST_UNUSABLE', check: 'tsl.expired' });
    if (!stopped) cancel = o.timer(again, () => void refresh());
  };
  const begun = refresh();

  return {
    begun,
    current: () => {
      // The failure is the cause, so that it is told as a security event once only.
      if (list === undefined)
        throw new GatewayError('TRUST_LIST_UNUSABLE', failure.message, {
          cause: failure,
          ...(failure.check && { check: failure.check }),
        });
      if (list.nextUpdate.getTime() + tsl.graceDays * DAY <= o.now())
        throw unusable('tsl.grace', 'its grace time has passed (trust.tsl.graceDays)');
      return list;
    },
    state: () => {
      const at = o.now();
      const inForce = list !== undefined && list.nextUpdate.getTime() + tsl.graceDays * DAY > at;
      const late = list !== undefined && list.nextUpdate.getTime() <= at;
      const check =
        list === undefined ? (failure.check ?? null) : inForce ? (late ? 'tsl.expired' : null) : 'tsl.grace';
      return { list: list ?? null, inForce, check };
    },
    onChange: (listener) => void listeners.push(listener),
    stop: () => {
      stopped = true;
      cancel();
    },
  };
}

type Judging = Pick<TrustListOptions, 'settings' | 'now'>;

const CHECK: Readonly<Record<string, string>> = {
  TSL_SIGNATURE: 'tsl.signature',
  TSL_SIGNER_UNTRUSTED: 'tsl.signer',
  TSL_UNREADABLE: 'tsl.unreadable',
};

function judge(bytes: Uint8Array, anchors: readonly Certificate[], { settings, now }: Judging): TrustList {
  let list: TrustList;
  try {
    list = readTrustList(bytes, { anchors, at: new Date(now()) });
  } catch (cause) {
    if (!(cause instanceof CertError)) throw cause;
    throw unusable(CHECK[cause.code] ?? 'tsl.unreadable', cause.message, cause);
  }
  // OPS-05: lists of two environments can never be mixed, whatever address they come from.
  if (list.cas.length === 0 || list.cas.some(({ subject }) => markOf(subject) !== PKI[settings.environment]))
    throw unusable('tsl.environment', 'not the list of this environment');
  return list;
}

/** Judged like a new one: whoever can write there must not be able to say whom we trust. */
function kept(path: string, anchors: readonly Certificate[], o: TrustListOptions): TrustList | undefined {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch {
    return undefined;
  }
  try {
    return judge(bytes, anchors, o);
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown;
    o.onFailure(thrown);
    o.log.warn('kept trust-service list not taken', { code: thrown.code, check: thrown.check });
    return undefined;
  }
}

function keep(path: string, bytes: Uint8Array): void {
  writeFileSync(`${path}.new`, bytes, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

function signersOf(path: string): Certificate[] {
  try {
    return readPem(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new GatewayError('CONFIG_INVALID', 'trust.tsl.signerFile does not hold readable certificates', { cause });
  }
}

const namesOf = ({ cas, ocspSigners }: TrustList): string =>
  [cas, ocspSigners].map((all) => all.map((one) => Buffer.from(one.sha256).toString('hex')).sort()).join(' ');

const unusable = (check: string, why: string, cause?: unknown): GatewayError =>
  new GatewayError('TRUST_LIST_UNUSABLE', `trust-service list: ${why}`, {
    check,
    ...(cause !== undefined && { cause }),
  });

/** Neither the network nor a file gave it; anything else is a broken promise of our own. */
function unread(cause: unknown): GatewayError {
  if (cause instanceof GatewayError) return cause;
  const outside = cause instanceof EgressError || (cause instanceof Error && 'syscall' in cause);
  return outside ? unusable('tsl.unreachable', 'cannot be read now', cause) : asGatewayError(cause);
}
