// What an alarm says to people, in German or English: one line, and what to do. Names of the settings, codes and ICCSNs only.
import { forCard, type Language } from '../errors.ts';
import { certificateRemedy } from '../tables/certificate-remedies.ts';
import type { Alarm } from './alarms.ts';
import type { AlarmMessage, AlarmMessageType } from './messages.ts';

const WORD: Record<AlarmMessageType, Record<Language, string>> = {
  raised: { de: 'Alarm', en: 'Alarm' },
  reminded: { de: 'Alarm (Erinnerung)', en: 'Alarm (reminder)' },
  cleared: { de: 'Behoben', en: 'Ended' },
  test: { de: 'Probealarm', en: 'Test alarm' },
};

/** One line: also the subject of a mail. */
export const titleOf = ({ type, alarm }: AlarmMessage, environment: string, language: Language): string =>
  `[ePA-Gateway ${environment}] ${WORD[type][language]}: ${alarm.code} – ${alarm.subject}`;

/** A mail's text. */
export function textOf(message: AlarmMessage, environment: string, language: Language): string {
  const { alarm, type } = message;
  const german = language === 'de';
  const time = (at: number) => new Date(at).toISOString();
  const details = Object.entries(alarm.details).filter(([, value]) => value !== null);
  const lines = [
    titleOf(message, environment, language),
    '',
    ...(alarm.diga === null ? [] : [`DiGA: ${alarm.diga}`]),
    `${german ? 'Seit' : 'Since'}: ${time(sinceOf(alarm))}`,
    ...(alarm.clearedAt === null ? [] : [`${german ? 'Bis' : 'Until'}: ${time(alarm.clearedAt)}`]),
    ...details.map(([name, value]) => `${name}: ${value}`),
    ...(type === 'cleared' ? [] : ['', remedyOf(alarm, language)]),
    '',
    `${german ? 'Kennung' : 'Id'}: ${alarm.id} (${alarm.key})`,
  ];
  return `${lines.join('\n')}\n`;
}

/** Of a certificate by its use, since each has somebody else who must act; of a card with its ICCSN filled in (KON-07). */
export function remedyOf({ key, code, remedy, details }: Alarm, language: Language): string {
  const ofUse = ABOUT_CERTIFICATE.has(code) ? certificateRemedy(details.use) : undefined;
  const [, iccsn] = OF_CARD.exec(key) ?? [];
  const text = (ofUse ?? remedy)[language];
  return iccsn === undefined ? text : forCard(text, iccsn);
}

const ABOUT_CERTIFICATE = new Set<Alarm['code']>(['CERTIFICATE_EXPIRES', 'CERTIFICATE_EXPIRED']);
const OF_CARD = /^card\.(\d{20})\./;

/** A certificate that has ended has done so at its end, whenever the first warning of it was. */
export function sinceOf({ code, details, raisedAt }: Pick<Alarm, 'code' | 'details' | 'raisedAt'>): number {
  const end = code === 'CERTIFICATE_EXPIRED' && typeof details.end === 'string' ? Date.parse(details.end) : Number.NaN;
  return Number.isNaN(end) ? raisedAt : end;
}

/** As JSON shows it to operators and webhooks. */
export function viewAlarm(alarm: Alarm, language: Language) {
  const time = (at: number) => new Date(at).toISOString();
  return {
    id: alarm.id,
    key: alarm.key,
    code: alarm.code,
    subject: alarm.subject,
    diga: alarm.diga,
    stage: alarm.stage === '' ? null : alarm.stage,
    details: alarm.details,
    remedy: remedyOf(alarm, language),
    raisedAt: time(alarm.raisedAt),
    since: time(sinceOf(alarm)),
    stageAt: time(alarm.stageAt),
    clearedAt: alarm.clearedAt === null ? null : time(alarm.clearedAt),
  };
}
