// The three answers of MON-01: alive, ready, able to export; and the whole chain behind the third, link by link, each with code and
// remedy. Made of what is known already: a question to it costs no call to the outside.
import type { CertificateView } from './certificates/entry.ts';
import type { Settings } from './config.ts';
import { catalogue, type ErrorCode, type Language } from './errors.ts';
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

/** What it is made of; all of it is read at each question. */
export type HealthSources = {
  settings: Pick<Settings, 'digas' | 'idp' | 'trust' | 'environment'>;
  trouble: (diga?: string) => ErrorCode | null;
  konnektors: () => { id: string; reachable: boolean | null; code: ErrorCode | null; since: string | null }[];
  terminals: () => { konnektor: string; ctId: string; code: ErrorCode | null }[];
  cards: () => { diga: string; code: ErrorCode | null; since: number }[];
  certificates: () => CertificateView[];
  recordSystems: () => {
    recordSystem: string;
    state: 'ok' | 'unavailable';
    code: ErrorCode | null;
    since: number | null;
  }[];
  trustList: Pick<TrustListKeeper, 'state'> | undefined;
  ocspFailing: () => { at: number } | null;
};

/** Every link, in the order of the way to the record. */
export function healthLinks(o: HealthSources, language: Language): HealthLink[] {
  const link = (
    name: LinkName,
    of: string,
    state: { ok?: boolean | null; code: ErrorCode | null; since?: number | null | string },
  ): HealthLink => {
    const { ok = state.code === null, code, since = null } = state;
    const remedy = code === null ? null : catalogue[code].remedy[language];
    return {
      link: name,
      of,
      ok,
      code,
      remedy,
      since: typeof since === 'number' ? new Date(since).toISOString() : since,
    };
  };
  const idp = o.settings.digas.map(({ id }) => o.trouble(id)).find((code) => code?.startsWith('IDP_')) ?? null;
  return [
    ...(o.trustList === undefined ? [] : [link('trust-list', o.settings.environment, trustListState(o.trustList))]),
    ...(o.settings.trust.ocsp === undefined ? [] : [link('ocsp', o.settings.environment, ocspState(o.ocspFailing()))]),
    ...o
      .konnektors()
      .map(({ id, reachable, code, since }) =>
        link('konnektor', id, { ok: reachable === null ? null : reachable && code === null, code, since }),
      ),
    ...o.terminals().map(({ konnektor, ctId, code }) => link('terminal', `${konnektor}/${ctId}`, { code })),
    ...o.settings.digas.map(({ id }) => {
      const card = o.cards().find(({ diga }) => diga === id);
      return card === undefined ? link('card', id, { ok: null, code: 'NOT_READY' }) : link('card', id, card);
    }),
    ...o
      .certificates()
      .filter(({ status }) => status === 'ended' || status === 'revoked' || status === 'not-yet-valid')
      .map(({ use, holder, status }) =>
        link('certificate', `${use} ${holder}`, {
          code: status === 'revoked' ? 'CERTIFICATE_REVOKED' : 'CERTIFICATE_EXPIRED',
        }),
      ),
    link('idp', new URL(o.settings.idp.issuer).host, { code: idp }),
    ...o.recordSystems().map(({ recordSystem, state, code, since }) =>
      link('record-system', recordSystem, {
        ok: state === 'ok',
        code: state === 'ok' ? null : (code ?? 'RECORD_SYSTEM_UNREACHABLE'),
        since,
      }),
    ),
  ];
}

function trustListState(list: Pick<TrustListKeeper, 'state'>): { ok: boolean; code: ErrorCode | null } {
  const { inForce, check } = list.state();
  return { ok: inForce, code: check === null ? null : 'TRUST_LIST_UNUSABLE' };
}

const ocspState = (failing: { at: number } | null): { code: ErrorCode | null; since?: number } =>
  failing === null ? { code: null } : { code: 'OCSP_UNREACHABLE', since: failing.at };
