// The three answers of MON-01: alive, ready, able to export; and the whole chain behind the third, link by link, each with code and
// remedy. Made of what is known already: a question to it costs no call to the outside.
import type { CertificateUse, CertificateView } from './certificates/entry.ts';
import type { Settings } from './config.ts';
import { catalogue, type ErrorCode, type Language } from './errors.ts';
import type { ChainHealth } from './exports/chain-health.ts';
import { certificateRemedy } from './tables/certificate-remedies.ts';
import type { TrustListKeeper } from './trust-list.ts';

export const LINKS = [
  'trust-list',
  'ocsp',
  'konnektor',
  'terminal',
  'card',
  'certificate',
  'idp',
  'record-system',
] as const;
export type LinkName = (typeof LINKS)[number];

export type HealthLink = {
  link: LinkName;
  /** Of the settings: a Konnektor, a DiGA, a record system. */
  of: string;
  /** Null: not known yet. */
  ok: boolean | null;
  code: ErrorCode | null;
  remedy: string | null;
  since: string | null;
};

/** Whose way to the record it is a part of (EXP-27): of those behind a Konnektor, of one DiGA, of everybody, or of operators only. */
export type Concern = { konnektor: string } | { diga: string } | 'all' | 'operators';
export type ConcernedLink = { link: HealthLink; concerns: Concern };

/** What it is made of; all of it is read at each question. */
export type HealthSources = {
  settings: Pick<Settings, 'digas' | 'idp' | 'trust' | 'environment'>;
  chain: Pick<ChainHealth, 'idp'>;
  konnektors: () => { id: string; reachable: boolean | null; code: ErrorCode | null; since: string | null }[];
  terminals: () => { konnektor: string; ctId: string; code: ErrorCode | null }[];
  cards: () => { diga: string; code: ErrorCode | null; since: number }[];
  certificates: () => CertificateView[];
  recordSystems: () => {
    recordSystem: string;
    state: 'ok' | 'unavailable';
    answered: boolean;
    code: ErrorCode | null;
    since: number | null;
  }[];
  trustList: Pick<TrustListKeeper, 'state'> | undefined;
  ocspFailing: () => { at: number } | null;
};

/** Every link, in the order of the way to the record; with `diga` as this one has met it. */
export function healthLinks(o: HealthSources, language: Language, diga?: string): ConcernedLink[] {
  const { settings } = o;
  const link = (
    name: LinkName,
    of: string,
    concerns: Concern,
    state: { ok?: boolean | null; code: ErrorCode | null; since?: number | null | string; use?: CertificateUse },
  ): ConcernedLink => {
    const { ok = state.code === null, code, since = null } = state;
    const remedy = code === null ? null : (certificateRemedy(state.use) ?? catalogue[code].remedy)[language];
    const from = typeof since === 'number' ? new Date(since).toISOString() : since;
    return { link: { link: name, of, ok, code, remedy, since: from }, concerns };
  };
  return [
    ...(o.trustList === undefined
      ? []
      : [link('trust-list', settings.environment, 'all', trustListState(o.trustList))]),
    ...(settings.trust.ocsp === undefined
      ? []
      : [link('ocsp', settings.environment, 'all', ocspState(o.ocspFailing()))]),
    ...o
      .konnektors()
      .map(({ id, reachable, code, since }) =>
        link(
          'konnektor',
          id,
          { konnektor: id },
          { ok: reachable === null ? null : reachable && code === null, code, since },
        ),
      ),
    ...o
      .terminals()
      .map(({ konnektor, ctId, code }) => link('terminal', `${konnektor}/${ctId}`, { konnektor }, { code })),
    ...settings.digas.map(({ id }) => {
      const card = o.cards().find((one) => one.diga === id);
      return link('card', id, { diga: id }, card ?? { ok: null, code: 'NOT_READY' });
    }),
    ...o
      .certificates()
      .filter(({ status }) => status === 'ended' || status === 'revoked' || status === 'not-yet-valid')
      .flatMap((certificate) =>
        concernsOf(certificate).map(({ of, concerns }) =>
          link('certificate', of, concerns, {
            code: certificate.status === 'revoked' ? 'CERTIFICATE_REVOKED' : 'CERTIFICATE_EXPIRED',
            use: certificate.use,
          }),
        ),
      ),
    link('idp', new URL(settings.idp.issuer).host, 'all', o.chain.idp(diga)),
    ...o.recordSystems().map(({ recordSystem, state, answered, code, since }) =>
      link('record-system', recordSystem, 'all', {
        ok: state === 'ok' ? answered || null : false,
        code: state === 'ok' ? null : (code ?? 'RECORD_SYSTEM_UNREACHABLE'),
        since,
      }),
    ),
  ];
}

/** A file that several share is a link for each: who sees one is not told of the others. */
const concernsOf = ({ use, holders }: CertificateView): { of: string; concerns: Concern }[] =>
  holders.map(({ name, konnektor, diga }) => ({ of: `${use} ${name}`, concerns: concernOf(use, konnektor, diga) }));

function concernOf(use: CertificateUse, konnektor: string | undefined, diga: string | undefined): Concern {
  if (diga !== undefined) return { diga };
  if (konnektor !== undefined) return { konnektor };
  return use === 'operator-client' ? 'operators' : 'all';
}

function trustListState(list: Pick<TrustListKeeper, 'state'>): { ok: boolean; code: ErrorCode | null } {
  const { inForce, check } = list.state();
  return { ok: inForce, code: check === null ? null : 'TRUST_LIST_UNUSABLE' };
}

const ocspState = (failing: { at: number } | null): { code: ErrorCode | null; since?: number } =>
  failing === null ? { code: null } : { code: 'OCSP_UNREACHABLE', since: failing.at };
