// What the insured did and wrote: Procedure_Activity and Diary_Entry.
import type { Observation, Procedure } from '@medplum/fhirtypes';
import type { FhirObject } from '../model.ts';
import { PROFILE } from './context.ts';
import { concept, isDay, oneOf, text, whole } from './inputs.ts';
import { defineKind, type Fault } from './kind.ts';
import { atOrPeriod, note, notes, observation, observationProfile, timeFaults } from './observation-parts.ts';
import type { WrittenResource } from './written.ts';

const ACTIVITY = `${PROFILE}Procedure_Activity`;
const DIARY = observationProfile('Diary_Entry');
const ACTIVITY_TYPES = 'KBV_VS_MIO_DIGA_Activity_Type';
const MINUTES_A_YEAR = 527_040;

export const activity = defineKind({
  kind: 'activity',
  profile: ACTIVITY,
  section: 'aktivitaeten',
  members: (lists) => ({
    ...atOrPeriod,
    minutes: whole(1, MINUTES_A_YEAR).optional().describe('with at: how long from then on'),
    type: oneOf(lists, ACTIVITY_TYPES).optional().describe('the part of ICF it belongs to'),
    text: text(1000).describe('what was done'),
    code: concept(lists).optional().describe('SNOMED CT of it'),
    note: note.optional(),
  }),
  faults: (entry) => [...timeFaults(entry, true), ...minutesFaults(entry)],
  times: ({ at, period, minutes }) =>
    at === undefined ? { from: period?.start, until: period?.end } : { from: at, until: endOf(at, minutes) },
  build: (entry, context): WrittenResource<Procedure> => ({
    ...context.resource(ACTIVITY, entry.kind, entry.id),
    status: 'completed',
    category: entry.type === undefined ? undefined : { coding: [context.listed(ACTIVITY_TYPES, entry.type)] },
    code: {
      ...(entry.code && context.concept({ ...entry.code, text: entry.code.text ?? entry.text })),
      text: entry.text,
    },
    subject: context.subject,
    ...(entry.at !== undefined && entry.minutes !== undefined
      ? { performedPeriod: { start: entry.at, end: endOf(entry.at, entry.minutes) } }
      : { performedDateTime: entry.at, performedPeriod: entry.period && { ...entry.period } }),
    note: notes(entry.note),
  }),
  example: {
    kind: 'activity',
    id: 'a-9',
    at: '2025-01-12T18:00:00+01:00',
    type: 'd920',
    text: 'Entspannungsübung',
    minutes: 15,
  },
});

function minutesFaults({ at, minutes }: { at?: string | undefined; minutes?: number | undefined }): Fault[] {
  if (minutes === undefined || (at !== undefined && !isDay(at))) return [];
  return [{ path: ['minutes'], code: 'MEMBER_UNKNOWN', message: 'needs the time of day it started, in at' }];
}

/** In the zone the start is written in. */
function endOf(at: string, minutes: number | undefined): string {
  if (minutes === undefined) return at;
  const zone = /(Z|[+-]\d{2}:\d{2})$/.exec(at)?.[0] ?? 'Z';
  const end = Temporal.Instant.from(at).add({ minutes });
  return end.toString({ timeZone: zone === 'Z' ? 'UTC' : zone, smallestUnit: 'second' }).replace('+00:00', zone);
}

export const diary = defineKind({
  kind: 'diary',
  profile: DIARY,
  section: 'patientenberichte',
  members: () => ({ ...atOrPeriod, text: text(100_000).describe('what the insured wrote'), note: note.optional() }),
  faults: (entry) => timeFaults(entry, true),
  build: (entry, context): WrittenResource<Observation> => ({
    ...observation(DIARY, { ...entry, status: undefined, device: undefined }, context),
    code: context.fixed(DIARY, 'code') as FhirObject,
    valueString: entry.text,
  }),
  example: {
    kind: 'diary',
    id: 'd-1',
    at: '2025-01-12T21:30:00+01:00',
    text: 'Heute besser geschlafen als in der letzten Woche.',
  },
});
