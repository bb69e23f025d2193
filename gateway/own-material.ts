// Certificates and keys of our own, in files of the settings, that can be changed while the gateway runs (CRT-11): new connections show
// the new ones, those that stand end in their own time. What cannot be read or does not fit leaves the one before in use and is an
// alarm until it fits: a replacement that is half written must not cut anybody off.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { serverTlsOptions } from '../wire/tls.ts';
import type { CauseGroup } from './alarms/watch.ts';
import { asksForCertificate, type Listener, type Listening } from './callers.ts';
import type { Settings } from './config.ts';
import type { Egress } from './egress.ts';
import { GatewayError } from './errors.ts';
import { konnektorWay } from './konnektor-access.ts';
import type { Logger } from './log.ts';

/** `shown`: the PEM certificates in use, by the file that they came from. */
type Material<T> = { value: T; shown: Record<string, string> };

/** `apply` is called with what is new; when it throws, the one before is still in use. */
type Followed<T> = { holder: string; read: () => Material<T>; apply: (value: T) => void };

export type OwnMaterial = {
  /** Reads it now; throws where it cannot be used. Later looks call `apply` where it has become another. */
  follow<T>(of: Followed<T>): void;
  /** Whether the files have changed is looked at now. */
  look(): void;
  /** The PEM certificates in use of what was read from this file; undefined: nobody has read it. */
  shown(path: string): string | undefined;
  /** An alarm for each holder whose files cannot be used; looks first. */
  alarms: CauseGroup;
};

export function createOwnMaterial({ log }: { log: Logger }): OwnMaterial {
  const followed: {
    holder: string;
    failing: boolean;
    shown: Record<string, string>;
    look: () => Record<string, string>;
  }[] = [];
  const look = () => {
    for (const one of followed)
      try {
        const before = one.shown;
        one.shown = one.look();
        one.failing = false;
        if (before !== one.shown) log.info('own certificates read anew', { name: one.holder });
      } catch {
        // Neither what stands in the files nor what OpenSSL says of it belongs into a log.
        if (!one.failing)
          log.error('own certificates not usable, those of before stay', { name: one.holder, code: CODE });
        one.failing = true;
      }
  };
  return {
    follow: ({ holder, read, apply }) => {
      let current = read();
      let mark = markOf(current.value);
      const lookAt = () => {
        const found = read();
        const now = markOf(found.value);
        if (now === mark) return current.shown;
        apply(found.value);
        current = found;
        mark = now;
        return current.shown;
      };
      followed.push({ holder, failing: false, shown: current.shown, look: lookAt });
    },
    look,
    shown: (path) => followed.map(({ shown }) => shown[path]).find((pem) => pem !== undefined),
    alarms: {
      ours: /^own\./,
      causes: () => {
        look();
        return followed
          .filter(({ failing }) => failing)
          .map(({ holder }) => ({ key: `own.${holder}`, code: CODE, subject: holder }));
      },
    },
  };
}

const CODE = 'OWN_CERTIFICATE_UNUSABLE' as const;
const markOf = (value: unknown): string => JSON.stringify(value);

/** The certificate of a listener, and whether it fits its key. */
export function followListener(
  own: OwnMaterial,
  o: { name: Listener; settings: Listening; app: FastifyInstance },
): void {
  const { tls } = o.settings[o.name];
  const { server } = o.app;
  if (tls === undefined || !('setSecureContext' in server) || typeof server.setSecureContext !== 'function') return;
  const askForCertificate = asksForCertificate(o.settings, o.name);
  const read = () => {
    const [cert, key] = [readFileSync(tls.certFile, 'utf8'), readFileSync(tls.keyFile, 'utf8')];
    return { value: { cert, key }, shown: { [tls.certFile]: cert } };
  };
  const set: (options: object) => void = server.setSecureContext.bind(server);
  const apply = ({ cert, key }: { cert: string; key: string }) => {
    // OpenSSL takes an empty key without a word, and refuses everybody.
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new GatewayError('CONFIG_INVALID', 'not the key of this certificate');
    set(serverTlsOptions({ cert, key, askForCertificate }));
  };
  own.follow({ holder: o.name, read, apply });
}

/** The client certificate at each Konnektor, with everything else that its files say: anchors, password, proxy. */
export function followKonnektors(
  own: OwnMaterial,
  o: { settings: Pick<Settings, 'konnektors'>; egress: Egress; now: () => number },
): void {
  for (const k of o.settings.konnektors) {
    const read = () => {
      const { way, faults } = konnektorWay(k, o.now());
      if (way === undefined) throw new GatewayError('CONFIG_INVALID', `${k.id}: ${faults[0]?.setting}`);
      const path = k.clientCertificate ?? k.clientPkcs12;
      const { cert } = way.target;
      return { value: way.target, shown: path === undefined || cert === undefined ? {} : { [path]: cert } };
    };
    own.follow({ holder: `konnektor.${k.id}`, read, apply: (target) => o.egress.renew('konnektor', target) });
  }
}
