// Who may call the two listeners, joined for main.ts: authentication over the credentials of the settings, whose certificates can be
// changed while the gateway runs (CRT-11).
import { readFileSync } from 'node:fs';
import type { TokenIssuer } from './api/access-token.ts';
import { type Authenticate, certificatesIn, createAuthentication, readCredentials } from './api/authentication.ts';
import type { Settings } from './config.ts';
import type { OwnMaterial } from './own-material.ts';

export type Listener = 'listen' | 'admin';
export type Listening = Pick<Settings, Listener | 'clients' | 'operators'>;

const callersOf = (settings: Listening, name: Listener) => settings[name === 'listen' ? 'clients' : 'operators'];

/** Whether some caller there is known by a certificate. */
export const asksForCertificate = (settings: Listening, name: Listener): boolean =>
  callersOf(settings, name).some(({ certificateFiles }) => certificateFiles.length > 0);

/** What a listener needs to know its callers by. Keys are read now and not again: an empty file must let nobody in. */
export function authenticationOf(
  name: Listener,
  o: { settings: Listening & Pick<Settings, 'limits'>; own: OwnMaterial; now: () => number },
  tokenIssuers: readonly TokenIssuer[] = [],
): { authenticate: Authenticate; askForCertificate: boolean } {
  const callers = callersOf(o.settings, name);
  let credentials = readCredentials(callers);
  const read = () => ({
    value: callers.map(({ certificateFiles }) => certificatesIn(certificateFiles)),
    shown: Object.fromEntries(
      callers.flatMap(({ certificateFiles }) => certificateFiles.map((path) => [path, readFileSync(path, 'utf8')])),
    ),
  });
  const apply = (all: string[][]) => {
    credentials = credentials.map((one, n) => ({ ...one, certificates: all[n] ?? one.certificates }));
  };
  o.own.follow({ holder: name === 'listen' ? 'clients' : 'operators', read, apply });
  const { limits } = o.settings;
  return {
    authenticate: createAuthentication({ ...limits, credentials: () => credentials, tokenIssuers, now: o.now }),
    askForCertificate: asksForCertificate(o.settings, name),
  };
}
