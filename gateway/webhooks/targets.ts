// The webhook targets of the settings, with their secrets and with what egress needs of each (D18).
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { Settings } from '../config.ts';
import type { EgressTarget } from '../egress.ts';
import { GatewayError, type Language } from '../errors.ts';
import { readSecret } from './signature.ts';

export type WebhookTarget = {
  /** `diga/id`: its name in the store and in egress. */
  key: string;
  diga: string;
  id: string;
  url: string;
  /** The newest first. */
  secrets: readonly Uint8Array[];
  /** Types it is told of; undefined: every one. */
  events: ReadonlySet<string> | undefined;
  language: Language;
};

/** Every target of every DiGA. GatewayError CONFIG_INVALID for a secret that has become unreadable since the settings were. */
export function webhookTargets(digas: Settings['digas']): WebhookTarget[] {
  return digas.flatMap((diga) =>
    diga.webhooks.map((w) => ({
      key: keyOf(diga.id, w.id),
      diga: diga.id,
      id: w.id,
      url: w.url,
      secrets: [w.secretFile, w.previousSecretFile].flatMap((path) => (path === undefined ? [] : [secretOf(path)])),
      events: w.events === undefined ? undefined : new Set<string>(w.events),
      language: w.language,
    })),
  );
}

/**
 * The allow-list of purpose `webhook`. Without a `caFile` the public CAs count that Node brings (Mozilla's list): a webhook goes
 * to a host that the operator named, and public certificates change their roots without asking.
 */
export function webhookAllowList(digas: Settings['digas']): EgressTarget[] {
  return digas.flatMap((diga) =>
    diga.webhooks.map((w) => {
      const { origin, protocol } = new URL(w.url);
      const ca = w.caFile === undefined ? [...rootCertificates] : readFileSync(w.caFile, 'utf8');
      return { id: keyOf(diga.id, w.id), origin, ...(protocol === 'https:' && { ca }) };
    }),
  );
}

/** Where a target lies, as it may be shown: a query may hold a secret of the receiver's. */
export function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

const keyOf = (diga: string, id: string) => `${diga}/${id}`;

function secretOf(path: string): Uint8Array {
  const secret = readSecret(readFileSync(path, 'utf8'));
  if (secret === undefined) throw new GatewayError('CONFIG_INVALID', 'the secret of a webhook cannot be read');
  return secret;
}
