// Certificates that lie in files of the settings (CRT-01): our own at Konnektors and listeners, and those of backends and operators.
// Shown is what is in use (CRT-11), which a file that was just replaced by an unusable one is not (own-material.ts).
import { readFileSync } from 'node:fs';
import { type Certificate, readPem } from '../../certs/certificate.ts';
import { CertError } from '../../certs/error.ts';
import type { Settings } from '../config.ts';
import type { CertificateUse, Holder, InventoryEntry } from './entry.ts';

/** The first certificate of each file; who shares a file is one holder. */
export function ownCertificates(
  settings: Settings,
  now: number,
  shown: (path: string) => string | undefined,
): InventoryEntry[] {
  const files: (Holder & { use: CertificateUse; path: string | undefined })[] = [
    ...settings.konnektors.flatMap((k) => {
      const path = k.clientCertificate ?? k.clientPkcs12;
      return path === undefined ? [] : [{ use: 'konnektor-client' as const, name: k.id, konnektor: k.id, path }];
    }),
    ...(['listen', 'admin'] as const).map((name) => ({
      use: 'own-server' as const,
      name,
      path: settings[name].tls?.certFile,
    })),
    // The receiver of a Konnektor's events: without it events stop and nobody is told.
    ...settings.konnektors.flatMap(({ id, events }) =>
      events?.listen.tls === undefined
        ? []
        : [{ use: 'own-server' as const, name: `events ${id}`, konnektor: id, path: events.listen.tls.certFile }],
    ),
    ...settings.clients.flatMap(({ id, diga, certificateFiles }) =>
      certificateFiles.map((path) => ({ use: 'backend-client' as const, name: id, diga, path })),
    ),
    ...settings.operators.flatMap(({ id, certificateFiles }) =>
      certificateFiles.map((path) => ({ use: 'operator-client' as const, name: id, path })),
    ),
  ];
  const shared = Map.groupBy(files, ({ use, name, path }) => `${use} ${path ?? name}`);
  return [...shared.values()].map((same) => {
    const [{ use, path }] = same as [(typeof same)[number]];
    const holders = same.map(({ use: _use, path: _path, ...holder }) => holder);
    const about = { use, holder: holders.map(({ name }) => name).join(', '), holders };
    if (path === undefined) return { ...about, seenAt: null, why: 'NO_TLS' };
    const pem = shown(path);
    const certificate = firstIn(pem ?? path, pem !== undefined);
    return certificate === undefined
      ? { ...about, seenAt: null, why: 'UNREADABLE' }
      : { ...about, certificate, seenAt: now };
  });
}

function firstIn(text: string, isPem: boolean): Certificate | undefined {
  try {
    return readPem(isPem ? text : readFileSync(text, 'utf8'))[0];
  } catch (thrown) {
    if (thrown instanceof CertError || (thrown instanceof Error && 'syscall' in thrown)) return undefined;
    throw thrown;
  }
}
