// When the insured met somebody, or will (mio-diga.md section 5): Appointment and Encounter, section Termine/Begegnungen.
import type { Appointment, CodeableConcept, Encounter } from '@medplum/fhirtypes';
import { z } from 'zod';
import type { CodeLists } from './code-lists.ts';
import { PROFILE } from './context.ts';
import { because, type Concept, concept, instant, oneOf, reference, text } from './inputs.ts';
import { type BuildContext, defineKind } from './kind.ts';
import {
  listOf,
  MEASUREMENTS,
  type Named,
  namedOf,
  namesAt,
  namesIn,
  PERSONS,
  referencesTo,
  referenceTo,
} from './named.ts';
import { openPeriod } from './open-period.ts';
import type { Written, WrittenResource } from './written.ts';

const APPOINTMENT = `${PROFILE}Appointment`;
const ENCOUNTER = `${PROFILE}Encounter`;
const CAUSES = ['activity', 'problem', ...MEASUREMENTS];

/** HL7's v3 ActEncounterCode, which FHIR recommends for the class. */
const CLASSES = {
  AMB: 'ambulatory',
  VR: 'virtual',
  HH: 'home health',
  FLD: 'field',
  EMER: 'emergency',
  IMP: 'inpatient encounter',
  ACUTE: 'inpatient acute',
  NONAC: 'inpatient non-acute',
  OBSENC: 'observation encounter',
  PRENC: 'pre-admission',
  SS: 'short stay',
} as const;
const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const classCode = z.enum(Object.keys(CLASSES) as [keyof typeof CLASSES]);

/** Somebody who takes part: known by an entry, by a role, or by both. */
const participants = (lists: CodeLists) =>
  listOf(
    z
      .strictObject({
        person: namedOf(PERSONS).optional().describe('who'),
        roles: listOf(concept(lists)).optional().describe('as what'),
      })
      .refine(({ person, roles }) => person !== undefined || roles !== undefined, {
        message: because('MEMBER_MISSING', 'is needed, or roles'),
        path: ['person'],
      })
      .meta({ format: 'participant' }),
  );
type Participant = { person?: Named | undefined; roles?: readonly Concept[] | undefined };

const namesOfParticipants = (all: readonly Participant[] | undefined) =>
  namesIn(
    ['participants'],
    all?.map(({ person }) => person),
  ).map(({ path: [list, index = 0, ...rest], ...named }) => ({
    ...named,
    path: [list ?? '', index, 'person', ...rest],
  }));

/** Appointments know no days. */
const instants = z
  .strictObject({ start: instant.describe('from when'), end: instant.describe('until when') })
  .refine(({ start, end }) => Date.parse(start) <= Date.parse(end), {
    message: because('PERIOD_REVERSED', 'ends before it starts'),
    path: ['end'],
  })
  .meta({ format: 'instants' });

const conceptsOf = (
  all: readonly Concept[] | undefined,
  context: BuildContext,
): Written<CodeableConcept>[] | undefined => all?.map((one) => context.concept(one));

export const appointment = defineKind({
  kind: 'appointment',
  profile: APPOINTMENT,
  section: 'termineBegegnungen',
  members: (lists) => ({
    status: oneOf(lists, 'KBV_VS_MIO_DIGA_Appointment_Status').optional().describe('default booked'),
    period: instants.optional().describe('when; may be left out of a proposed or cancelled one'),
    participants: participants(lists).optional().describe('who takes part besides the insured'),
    category: concept(lists).optional().describe('kind of service'),
    service: concept(lists).optional().describe('specialty'),
    type: concept(lists).optional().describe('kind of appointment: check-up'),
    reason: concept(lists).optional().describe('what for'),
    causes: listOf(namedOf(CAUSES)).optional().describe('entries that are the reason'),
    comment: text().optional().describe('what else is to be said'),
  }),
  // app-3
  faults: ({ status = 'booked', period }) =>
    status === 'booked' && period === undefined
      ? [{ path: ['period'], code: 'MEMBER_MISSING', message: 'is needed of a booked appointment' }]
      : [],
  names: (entry) => [...namesOfParticipants(entry.participants), ...namesIn(['causes'], entry.causes)],
  // It may lie ahead, and the Betrachtungszeitraum may not: appointments stand in the newest part.
  times: () => ({}),
  build: (entry, context): WrittenResource<Appointment> => ({
    ...context.resource(APPOINTMENT, entry.kind, entry.id),
    status: entry.status ?? 'booked',
    serviceCategory: entry.category && [context.concept(entry.category)],
    serviceType: entry.service && [context.concept(entry.service)],
    appointmentType: entry.type && context.concept(entry.type),
    reasonCode: entry.reason && [context.concept(entry.reason)],
    reasonReference: referencesTo(entry.causes, context),
    start: entry.period?.start,
    end: entry.period?.end,
    comment: entry.comment,
    participant: [
      { actor: context.subject, status: 'accepted' },
      ...(entry.participants ?? []).map(({ person, roles }: Participant) => ({
        type: conceptsOf(roles, context),
        actor: person && referenceTo(person, context),
        status: 'accepted',
      })),
    ],
  }),
  example: {
    kind: 'appointment',
    id: 'appointment-1',
    status: 'booked',
    period: { start: '2025-02-14T09:00:00+01:00', end: '2025-02-14T09:30:00+01:00' },
    participants: [{ roles: [{ text: 'Hausärztin' }] }],
    reason: { text: 'Ernährungsberatung' },
    comment: 'Blutzuckertagebuch mitbringen.',
  },
});

export const encounter = defineKind({
  kind: 'encounter',
  profile: ENCOUNTER,
  section: 'termineBegegnungen',
  members: (lists) => ({
    status: oneOf(lists, 'encounter-status').optional().describe('default finished'),
    class: classCode.describe('AMB in a practice, VR by video or telephone, HH at home, …'),
    period: openPeriod.describe('from when until when; the end may be left out'),
    participants: participants(lists).optional().describe('who took part besides the insured'),
    service: concept(lists).optional().describe('specialty'),
    reasons: listOf(concept(lists)).optional().describe('what for'),
    causes: listOf(namedOf(CAUSES)).optional().describe('entries that were the reason'),
    organization: reference.optional().describe('id of the organization that was in charge'),
    note: text().optional().describe('what else is to be said'),
  }),
  names: (entry) => [
    ...namesOfParticipants(entry.participants),
    ...namesIn(['causes'], entry.causes),
    ...(entry.organization === undefined ? [] : namesAt([], { organization: entry.organization })),
  ],
  build: (entry, context): WrittenResource<Encounter> => ({
    ...context.resource(ENCOUNTER, entry.kind, entry.id),
    extension:
      entry.note === undefined
        ? undefined
        : [{ url: context.lists.profile('KBV_EX_Base_Additional_Comment').url, valueString: entry.note }],
    status: entry.status ?? 'finished',
    class: context.coding({ system: ACT_CODE, code: entry.class, display: CLASSES[entry.class] }),
    serviceType: entry.service && context.concept(entry.service),
    subject: context.subject,
    participant: entry.participants?.map(({ person, roles }: Participant) => ({
      type: conceptsOf(roles, context),
      individual: person && referenceTo(person, context),
    })),
    period: { ...entry.period },
    reasonCode: conceptsOf(entry.reasons, context),
    reasonReference: referencesTo(entry.causes, context),
    serviceProvider:
      entry.organization === undefined ? undefined : context.reference('organization', entry.organization),
  }),
  example: {
    kind: 'encounter',
    id: 'encounter-1',
    status: 'finished',
    class: 'VR',
    period: { start: '2025-01-15T10:00:00+01:00', end: '2025-01-15T10:25:00+01:00' },
    participants: [{ roles: [{ text: 'Psychotherapeutin' }] }],
    reasons: [{ text: 'Zwischengespräch zum Kurs' }],
    note: 'Per Video.',
  },
});
