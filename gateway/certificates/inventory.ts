// The one inventory of certificates (CRT-01): each place where one is met puts down what it sees; nothing is in it that was not seen,
// and what was never seen says why. Places: connections (egress), judged signers (VAU, IDP), files of the settings, cards.
import { type Certificate, readCertificate } from '../../certs/certificate.ts';
import { CertError } from '../../certs/error.ts';
import type { Settings } from '../config.ts';
import type { Connected } from '../egress.ts';
import type { CertificateUse, InventoryEntry } from './entry.ts';

export type Inventory = {
  /** Everything that is known of one place from now on. */
  put(place: string, entries: InventoryEntry[]): void;
  /** To be told of every connection to the outside. */
  connected(connection: Connected): void;
  vauSeen(
    recordSystem: string,
    certificate: Certificate,
    ocsp: { producedAt: Date; nextUpdate: Date | undefined },
  ): void;
  idpSignerSeen(certificate: Certificate): void;
  list(): InventoryEntry[];
};

const USE_OF_PURPOSE: Partial<Record<Connected['purpose'], CertificateUse>> = {
  konnektor: 'konnektor-tls',
  'record-system': 'record-system-tls',
  idp: 'idp-tls',
};

export function createInventory(o: {
  settings: Pick<Settings, 'konnektors' | 'recordSystems' | 'idp'>;
  now: () => number;
}): Inventory {
  const { settings, now } = o;
  const places = new Map<string, InventoryEntry[]>();
  /** Who stands behind an address; two Mandanten of one Konnektor are two holders. */
  const holders: { use: CertificateUse; host: string; holder: string }[] = [
    ...settings.konnektors.map(({ id, url }) => ({ use: 'konnektor-tls' as const, host: hostOf(url), holder: id })),
    ...settings.recordSystems.map(({ id, url }) => ({
      use: 'record-system-tls' as const,
      host: hostOf(url),
      holder: id,
    })),
    ...[settings.idp.issuer, ...settings.idp.origins.map(({ origin }) => origin)].map((url) => ({
      use: 'idp-tls' as const,
      host: hostOf(url),
      holder: hostOf(url),
    })),
  ];
  const put = (place: string, entries: InventoryEntry[]) => void places.set(place, entries);
  const unseen = (use: CertificateUse, holder: string, more: Partial<InventoryEntry> = {}) =>
    put(`${use} ${holder}`, [{ use, holder, seenAt: null, why: 'NOT_CONNECTED_YET', ...more }]);
  for (const { use, holder } of holders) unseen(use, holder, use === 'konnektor-tls' ? { konnektor: holder } : {});
  for (const { id } of settings.recordSystems) unseen('vau', id);
  unseen('idp-signer', hostOf(settings.idp.issuer));

  const saw = (entry: InventoryEntry) => put(`${entry.use} ${entry.holder}`, [entry]);
  return {
    put,
    connected: ({ purpose, host, certificate: der }) => {
      const use = USE_OF_PURPOSE[purpose];
      if (use === undefined || der === undefined) return;
      for (const { holder } of holders.filter((one) => one.use === use && one.host === host)) {
        const about = { use, holder, seenAt: now(), ...(use === 'konnektor-tls' && { konnektor: holder }) };
        const certificate = readable(der);
        saw(certificate === undefined ? { ...about, why: 'UNREADABLE' } : { ...about, certificate });
      }
    },
    vauSeen: (recordSystem, certificate, { producedAt, nextUpdate }) =>
      saw({
        use: 'vau',
        holder: recordSystem,
        certificate,
        seenAt: now(),
        ocsp: {
          status: 'good',
          producedAt: producedAt.getTime(),
          nextUpdate: nextUpdate?.getTime() ?? null,
          checkedAt: now(),
        },
      }),
    idpSignerSeen: (certificate) =>
      saw({ use: 'idp-signer', holder: hostOf(settings.idp.issuer), certificate, seenAt: now() }),
    list: () => [...places.values()].flat(),
  };
}

const hostOf = (url: string): string => new URL(url).host;

/** What OpenSSL has taken, our own strict reader may not. */
export function readable(der: Uint8Array): Certificate | undefined {
  try {
    return readCertificate(new Uint8Array(der));
  } catch (thrown) {
    if (thrown instanceof CertError) return undefined;
    throw thrown;
  }
}
