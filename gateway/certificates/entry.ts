// One line of the inventory (CRT-01): what the gateway depends on, as it was really seen, and how it is shown. CRT-03: the end comes
// from the certificate, or from what the Konnektor reports of one that nobody else can read.
import type { Certificate } from '../../certs/certificate.ts';

export const CERTIFICATE_USES = [
  'smcb-aut',
  'smcb-enc',
  'smcb-osig',
  'konnektor-tls',
  'konnektor-card',
  'terminal-card',
  'konnektor-client',
  'record-system-tls',
  'vau',
  'idp-tls',
  'idp-signer',
  'tsl-signer',
  'own-server',
  'backend-client',
  'operator-client',
] as const;
export type CertificateUse = (typeof CERTIFICATE_USES)[number];

/** What a responder said of it, and when. */
export type OcspSight = {
  status: 'good' | 'revoked' | 'unknown';
  producedAt: number;
  nextUpdate: number | null;
  checkedAt: number;
};

/** One of those who use a certificate, and the Konnektor or DiGA that would miss it. */
export type Holder = { name: string; konnektor?: string; diga?: string };

export type InventoryEntry = {
  use: CertificateUse;
  /** Whose it is, in names of the settings: a DiGA, a Konnektor, a record system, a listener, a client. */
  holder: string;
  /** Each of them, where several share it; else the holder alone. */
  holders?: readonly Holder[];
  konnektor?: string;
  diga?: string;
  iccsn?: string;
  /** Undefined: only its end is known, or it was never seen. */
  certificate?: Certificate;
  /** Of a report without the certificate itself. */
  reported?: { notAfter: Date; serialNumber: string; commonName: string };
  /** Null: never seen. */
  seenAt: number | null;
  /** Why it cannot be seen, or is not any more: a code of ours or of `NOT_SEEN`. */
  why?: string;
  /** With a certificate that carries its own answer (VAU). */
  ocsp?: OcspSight;
};

/** Why something is not in sight, beside the codes of the catalogue. */
export const NOT_SEEN = {
  NOT_CONNECTED_YET: 'no connection was made yet',
  NOT_REPORTED: 'the Konnektor does not report it',
  NOT_ON_CARD: 'the card has no such certificate on elliptic curves',
  NOT_LISTED: 'the settings name no trust-service list',
  NO_TLS: 'the listener has no TLS (SIM on loopback only)',
  UNREADABLE: 'it cannot be read as a certificate',
} as const;

export type CertificateStatus = 'valid' | 'ending' | 'ended' | 'not-yet-valid' | 'revoked' | 'not-seen';

export type CertificateView = {
  use: CertificateUse;
  holder: string;
  holders: readonly Holder[];
  konnektor: string | null;
  diga: string | null;
  iccsn: string | null;
  subject: string | null;
  serialNumber: string | null;
  fingerprint: string | null;
  keyType: string | null;
  rsa: boolean | null;
  notBefore: string | null;
  notAfter: string | null;
  daysLeft: number | null;
  status: CertificateStatus;
  /** Why it is not seen; null where it is. */
  why: string | null;
  ocsp: { status: OcspSight['status']; producedAt: string; nextUpdate: string | null; ageSeconds: number } | null;
  /** When it was last seen where it is used; null: never. */
  seenAt: string | null;
  checkedAt: string | null;
};

const DAY = 86_400_000;

export const endOf = (entry: InventoryEntry): Date | undefined =>
  entry.certificate?.notAfter ?? entry.reported?.notAfter;

/** Whole days until the end, or since it: always below zero once it has passed, also on its first day. */
export const daysLeft = (end: Date, now: number): number => {
  const days = (end.getTime() - now) / DAY;
  return days >= 0 ? Math.floor(days) : -Math.max(1, Math.floor(-days));
};

export function viewEntry(
  entry: InventoryEntry,
  o: { now: number; ocsp: OcspSight | undefined; warnDays: number },
): CertificateView {
  const { certificate, reported } = entry;
  const end = endOf(entry);
  const { now } = o;
  const ocsp = o.ocsp ?? entry.ocsp;
  const time = (at: number | null | undefined) => (at == null ? null : new Date(at).toISOString());
  const checked = Math.max(entry.seenAt ?? 0, ocsp?.checkedAt ?? 0);
  return {
    use: entry.use,
    holder: entry.holder,
    holders: entry.holders ?? [holderOf(entry)],
    konnektor: entry.konnektor ?? null,
    diga: entry.diga ?? null,
    iccsn: entry.iccsn ?? null,
    subject: certificate?.subject ?? reported?.commonName ?? null,
    serialNumber: certificate?.serialNumber ?? reported?.serialNumber ?? null,
    fingerprint: certificate === undefined ? null : fingerprintOf(certificate),
    keyType: certificate === undefined ? null : keyTypeOf(certificate),
    rsa: certificate === undefined ? null : isRsa(certificate),
    notBefore: certificate?.notBefore.toISOString() ?? null,
    notAfter: end?.toISOString() ?? null,
    daysLeft: end === undefined ? null : daysLeft(end, now),
    status: statusOf(entry, { ...o, ocsp }),
    why: end === undefined || entry.why !== undefined ? (entry.why ?? 'NOT_CONNECTED_YET') : null,
    ocsp:
      ocsp === undefined
        ? null
        : {
            status: ocsp.status,
            producedAt: new Date(ocsp.producedAt).toISOString(),
            nextUpdate: time(ocsp.nextUpdate),
            ageSeconds: Math.max(0, Math.floor((now - ocsp.producedAt) / 1000)),
          },
    seenAt: time(entry.seenAt),
    checkedAt: checked === 0 ? null : time(checked),
  };
}

const holderOf = ({ holder: name, konnektor, diga }: InventoryEntry): Holder => ({
  name,
  ...(konnektor !== undefined && { konnektor }),
  ...(diga !== undefined && { diga }),
});

function statusOf(
  entry: InventoryEntry,
  o: { now: number; ocsp: OcspSight | undefined; warnDays: number },
): CertificateStatus {
  const end = endOf(entry);
  if (end === undefined) return 'not-seen';
  if (o.ocsp?.status === 'revoked') return 'revoked';
  if (o.now > end.getTime()) return 'ended';
  if (entry.certificate !== undefined && o.now < entry.certificate.notBefore.getTime()) return 'not-yet-valid';
  return daysLeft(end, o.now) <= o.warnDays ? 'ending' : 'valid';
}

export const fingerprintOf = ({ sha256 }: Certificate): string => Buffer.from(sha256).toString('hex');

export const isRsa = ({ publicKey }: Certificate): boolean => publicKey.asymmetricKeyType?.startsWith('rsa') === true;

/** `brainpoolP256r1`, `P-256`, `RSA 2048`. */
function keyTypeOf({ publicKey }: Certificate): string {
  const { namedCurve, modulusLength } = publicKey.asymmetricKeyDetails ?? {};
  if (namedCurve !== undefined) return namedCurve === 'prime256v1' ? 'P-256' : namedCurve;
  if (modulusLength !== undefined) return `RSA ${modulusLength}`;
  return publicKey.asymmetricKeyType ?? 'unknown';
}
