// What an alarm says to people, in German or English: one line, and what to do. Names of the settings, codes and ICCSNs only.
import type { Language } from '../errors.ts';
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
  const lines = [
    titleOf(message, environment, language),
    '',
    ...(alarm.diga === null ? [] : [`DiGA: ${alarm.diga}`]),
    `${german ? 'Seit' : 'Since'}: ${time(alarm.raisedAt)}`,
    ...(alarm.clearedAt === null ? [] : [`${german ? 'Bis' : 'Until'}: ${time(alarm.clearedAt)}`]),
    ...Object.entries(alarm.details).map(([name, value]) => `${name}: ${value}`),
    ...(type === 'cleared' ? [] : ['', alarm.remedy[language]]),
    '',
    `${german ? 'Kennung' : 'Id'}: ${alarm.id} (${alarm.key})`,
  ];
  return `${lines.join('\n')}\n`;
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
    remedy: alarm.remedy[language],
    raisedAt: time(alarm.raisedAt),
    stageAt: time(alarm.stageAt),
    clearedAt: alarm.clearedAt === null ? null : time(alarm.clearedAt),
  };
}
