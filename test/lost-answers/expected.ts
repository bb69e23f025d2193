// How each cell must end, written from D1, D2 and D22 and from docs/faults.md, not from the code: what the fault does to the
// document, and what follows from that for what the record holds and for what the gateway may say.
import { type DuplicateAnswer, SCENES, type SceneName, type Strike } from './cells.ts';

/**
 * D22: `drop-request` and `reset-request` strike before the record system acts, every other loss after it has acted.
 * `kept`: the document's answer comes. `held-back`: nothing of the document left. `asked-again`, `refused`: an answer that
 * says that nothing was stored, for now or for good. `lost-before`, `lost-after`: no answer, before or after it acted.
 */
export type Effect = 'kept' | 'held-back' | 'asked-again' | 'refused' | 'lost-before' | 'lost-after';

/** On the document's own way; the numbers and codes are those of the strike's params. */
const AT_THE_DOCUMENT: Readonly<Record<string, Effect>> = {
  'drop-request': 'lost-before',
  'reset-request': 'lost-before',
  'drop-response': 'lost-after',
  reset: 'lost-after',
  truncate: 'lost-after',
  garbage: 'lost-after',
  hang: 'lost-after',
  'delay 50': 'kept',
  'delay 6500': 'lost-after',
  'wrong-frame': 'lost-after',
  // Neither says on whose behalf: it may have been stored (503, a fault of the receiver) or may be anybody's word (outer ones).
  'http-status': 'lost-before',
  'http-status 503': 'lost-before',
  'soap-fault Server': 'lost-before',
  'cbor-error': 'lost-before',
  restart: 'lost-before',
  'drop-channel before': 'lost-before',
  'drop-channel after': 'lost-after',
  'drop-channel after cut': 'lost-after',
  // Inside the sealed frame, and definite.
  'http-status 429': 'asked-again',
  'http-status 400': 'refused',
  'soap-fault Client': 'refused',
  'registry-error XDSRepositoryError': 'asked-again',
  'registry-error XDSRepositoryMetadataError': 'refused',
};

/** Asked at a search for the card, to name the terminal to the operator: whatever it answers holds nothing back. */
const BESIDE_THE_WAY: readonly string[] = ['konnektor.GetCardTerminals'];
/** What the watch over cards and certificates asks at times of its own: no export feels it. */
const ASKED_BESIDE: readonly string[] = ['konnektor.GetResourceInformation', 'konnektor.CheckCertificateExpiration'];
/** Places that neither asks: operators do, and where they are set up events and checks by OCSP. */
const NEVER_ASKED: readonly string[] = [
  ...['VerifyPin', 'ChangePin', 'UnblockPin', 'EnablePin', 'DisablePin'].map((one) => `konnektor.${one}`),
  ...['Subscribe', 'RenewSubscriptions', 'Unsubscribe', 'GetSubscription'].map((one) => `konnektor.${one}`),
  ...['RequestCard', 'EjectCard', 'VerifyCertificate'].map((one) => `konnektor.${one}`),
  ...['cetp', 'ocsp', 'tsl'],
];
/** The codes with which a place on the way may hold an export back; each waits or is tried again, none is final. */
const CODES_BY_PLACE: readonly (readonly [RegExp, RegExp])[] = [
  [/^konnektor\./, /^(KONNEKTOR|SMCB|CERTIFICATE|TERMINAL)_/],
  [/^idp\./, /^IDP_/],
  [/^record-system\.tls$/, /^RECORD_SYSTEM_(UNREACHABLE|TLS_UNTRUSTED)$/],
  [/^information\.ehr$/, /^RECORD_(BUSY|SYSTEM_UNREACHABLE)$/],
  [/^(certdata|vau\.(handshake|m3))$/, /^(VAU_(SERVER_UNTRUSTED|HANDSHAKE_FAILED)|RECORD_(SYSTEM_UNREACHABLE|BUSY))$/],
  [
    /^(vau\.(data|status)|authz\.)/,
    /^(SESSION_LOST|RECORD_LOGIN_REFUSED|RECORD_SYSTEM_UNREACHABLE|RECORD_BUSY|VAU_HANDSHAKE_FAILED|VAU_SERVER_UNTRUSTED|IDP_UNTRUSTED)$/,
  ],
];

export const isAsked = ({ at }: Strike): boolean | 'perhaps' =>
  ASKED_BESIDE.includes(at) ? 'perhaps' : !NEVER_ASKED.includes(at);

export function effectOf({ at, kind, params, phase }: Strike): Effect {
  if (phase === 'way')
    return [...BESIDE_THE_WAY, ...ASKED_BESIDE, ...NEVER_ASKED].includes(at) ||
      ['delay', 'tls-version', 'rotate'].includes(kind)
      ? 'kept'
      : 'held-back';
  const variant = [kind, ...Object.values(params ?? {})].join(' ');
  const effect = AT_THE_DOCUMENT[variant];
  if (effect === undefined) throw new Error(`no effect is written down for ${at} ${variant}`);
  return effect;
}

/** How the try that felt the fault ends; null: the end of the export comes with it. */
export function feltAs(strike: Strike): { status: readonly string[]; code: RegExp } | null {
  switch (effectOf(strike)) {
    case 'held-back':
      return {
        status: ['queued', 'waiting'],
        code: CODES_BY_PLACE.find(([place]) => place.test(strike.at))?.[1] ?? /^$/,
      };
    case 'asked-again':
      return { status: ['queued'], code: /^RECORD_BUSY$/ };
    case 'lost-before':
    case 'lost-after':
      return { status: ['unclear'], code: /^WRITE_UNANSWERED$/ };
    default:
      return null;
  }
}

export type End = {
  status: 'written' | 'refused' | 'waiting' | 'unclear';
  code: string | null;
  who: string | null;
  /** The record holds the document, once. */
  held: boolean;
  /** It replaces the version before. */
  replaces: boolean;
};
const written = (replaces: boolean): End => ({ status: 'written', code: null, who: null, held: true, replaces });
const not = (status: End['status'], code: string, who: string): End => ({
  status,
  code,
  who,
  held: false,
  replaces: false,
});

/** With every answer heard: D2. */
function heard(scene: SceneName): End {
  const { target, onTargetGone } = SCENES[scene];
  if (target === 'stale') return not('waiting', 'TARGET_STALE', 'operator');
  if (target !== 'gone') return written(target === 'present');
  return onTargetGone === 'create-new' ? written(false) : not('refused', 'TARGET_GONE', 'backend');
}

/** After a try without an answer the repeat speaks for both: D1. `stored`: the first try may have been taken. */
function repeated(scene: SceneName, stored: boolean, answer: DuplicateAnswer | null): End {
  const { target, imported } = SCENES[scene];
  const doubtful = not('unclear', 'WRITE_DOUBTFUL', 'operator');
  // Neither success nor TARGET_GONE, and never create-new.
  if (target === 'gone') return doubtful;
  // "Not Approved" proves arrival only in a series free of doubt.
  if (imported && target === 'stale') return doubtful;
  if (imported && stored && answer === 'target-not-approved') return { ...doubtful, held: true, replaces: true };
  // The one exception: an unknown second writer beside a lost answer cannot be told apart (docs/divergences.md).
  if (target === 'stale') return { status: 'written', code: null, who: null, held: false, replaces: false };
  return written(target === 'present');
}

export function expectedEnd(strike: Strike, scene: SceneName, answer: DuplicateAnswer | null): End {
  const effect = effectOf(strike);
  if (effect === 'refused') return not('refused', 'DOCUMENT_REJECTED', 'gateway');
  const lost = effect === 'lost-before' || effect === 'lost-after';
  return lost ? repeated(scene, effect === 'lost-after', answer) : heard(scene);
}

/** Named in docs/divergences.md: `written` is said, and the record holds another's document. */
export const isIndistinguishable = (end: End): boolean => end.status === 'written' && !end.held;
