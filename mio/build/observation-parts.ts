// What kinds that become an Observation have in common: base, note, device, part of something larger.
import type { Annotation, Extension, Observation } from '@medplum/fhirtypes';
import { z } from 'zod';
import type { CodeLists } from './code-lists.ts';
import { PROFILE } from './context.ts';
import { because, moment, oneOf, period, reference, text } from './inputs.ts';
import type { BuildContext, Fault, NamedEntry } from './kind.ts';
import type { Written, WrittenResource } from './written.ts';

export const note = text().describe('what else is to be said');

/** Where the profile leaves it open; `final` when left out. */
export const status = (lists: CodeLists) => oneOf(lists, 'observation-status').describe('default final');

type Shared = {
  kind: string;
  id: string;
  status?: string | undefined;
  at?: string | undefined;
  period?: { start: string; end: string } | undefined;
  note?: string | undefined;
  device?: string | undefined;
};

/** Everything but code and value. */
export function observation(profile: string, entry: Shared, context: BuildContext): WrittenResource<Observation> {
  return {
    ...context.resource(profile, entry.kind, entry.id),
    status: entry.status ?? 'final',
    subject: context.subject,
    effectiveDateTime: entry.at,
    effectivePeriod: entry.period && { ...entry.period },
    note: notes(entry.note),
    device: entry.device === undefined ? undefined : context.reference('device', entry.device),
  };
}

export function notes(text: string | undefined): Written<Annotation>[] | undefined {
  return text === undefined ? undefined : [{ text }];
}

export const atOrPeriod = {
  at: moment.optional().describe('when; or period'),
  period: period.optional().describe('from when until when'),
};

/** For kinds whose profile demands a time, or takes one only. */
export function timeFaults(entry: Pick<Shared, 'at' | 'period'>, demanded: boolean): Fault[] {
  if (entry.at !== undefined && entry.period !== undefined) {
    return [{ path: ['period'], code: 'MEMBER_REPEATED', message: 'is one too many beside at' }];
  }
  if (!demanded || entry.at !== undefined || entry.period !== undefined) return [];
  return [{ path: ['at'], code: 'MEMBER_MISSING', message: 'is needed, or period' }];
}

/** The measurement or activity it was part of: teilVon in the profiles. */
export const partOf = z
  .union([z.strictObject({ observation: reference }), z.strictObject({ activity: reference })], {
    error: because('VALUE_INVALID', 'must be {observation: id} or {activity: id}'),
  })
  .describe('what it was a part of');
export type PartOf = z.output<typeof partOf>;

export function namesOfPart(part: PartOf | undefined): NamedEntry[] {
  return Object.entries(part ?? {}).map(([kind, id]) => ({ path: ['partOf', kind], kinds: [kind], id }));
}

export function partExtension(part: PartOf | undefined, context: BuildContext): Written<Extension>[] | undefined {
  const { url } = context.lists.profile('KBV_EX_MIO_DIGA_Reference');
  return part && Object.entries(part).map(([kind, id]) => ({ url, valueReference: context.reference(kind, id) }));
}

export const observationProfile = (name: string) => `${PROFILE}Observation_${name}`;
