// What a kind of entry is (mio-diga.md section 13): its members, the one profile and section it belongs to, and how its
// resource is made. kinds.ts lists all of them; simple.ts reads entries by them.
import type { CodeableConcept, Coding, Quantity, Reference } from '@medplum/fhirtypes';
import { z } from 'zod';
import type { Decimal, FhirValue, Resource } from '../model.ts';
import type { CodeLists } from './code-lists.ts';
import type { Section } from './draft.ts';
import { because, type Coded, type Concept, entryId, reference } from './inputs.ts';
import type { Written } from './written.ts';

/** Who brought the data: a role, or the entry of the one who did. */
const roles = ['patient', 'diga', 'practitioner'] as const;

function byOf<Role extends string>(words: readonly Role[]) {
  const named = 'or name an entry: {device: id}, {contact: id}, {practitionerRole: id} or {relatedPerson: id}';
  return z.union(
    [
      z.enum(words),
      z.strictObject({ device: reference }),
      z.strictObject({ contact: reference }),
      z.strictObject({ practitionerRole: reference }),
      z.strictObject({ relatedPerson: reference }),
    ],
    { error: because('VALUE_INVALID', `must be ${words.join(', ')}, ${named}`) },
  );
}
const by = byOf(roles);
/** The device that the entry names. */
const byDevice = byOf([...roles, 'device']);
export type By = z.output<typeof byDevice>;

type Common = { kind: string; id: string; by?: By | undefined };
/** An entry of which nothing more is known. */
export type Entry = Common & { device?: string | undefined; [member: string]: unknown };

/**
 * The member at `path` names the entry `id` of one of these kinds. That it is not among the entries is an error; with
 * `undeclared` the document can do without, which is told.
 */
export type NamedEntry = {
  path: (string | number)[];
  kinds: readonly string[];
  id: string;
  undeclared?: 'warning' | 'information';
};
export type Fault = { path: (string | number)[]; code: string; message: string };
/** FHIR dateTimes as written. */
export type Times = { from?: string | undefined; until?: string | undefined };

export type BuildContext = {
  /** Complete but for the version: id, meta.profile, and the identifier where the profile has one. */
  resource(profile: string, kind: string, id: string): Resource;
  /** To the resource that `resource` makes of the same two. */
  reference(kind: string, id: string): Written<Reference>;
  /** Another entry; undefined where there is none. */
  entry(kind: string, id: string): Entry | undefined;
  /** The Patient, and the app. */
  subject: Written<Reference>;
  app: Written<Reference>;
  /** The one who brought the entry. */
  bringer(entry: Common & { device?: string | undefined }): Written<Reference>;
  /** Of the caller's choice; `named` is the display where there is no other. */
  coding(of: Coded, named?: string): Written<Coding>;
  concept(of: Concept): Written<CodeableConcept>;
  /** Of a list of the toolkit. */
  listed(valueSet: string, code: string, display?: string): Written<Coding>;
  /** What the profile fixes at an element: `fixed('KBV_PR_…', 'code.coding:loinc')`. */
  fixed(profile: string, element: string): FhirValue | undefined;
  /** UCUM; `unit` is what people read where it differs from the code. */
  quantity(value: number | Decimal, code: string, unit?: string): Written<Quantity>;
  lists: CodeLists;
};

/** One resource of an entry. The first is the entry's own, others are reached by reference. */
export type Built = { resource: Resource; profile: string; section?: Section };

/** Of any kind: what is common, and members that only the kind itself knows. */
export type EntrySchema = z.ZodObject<
  { kind: z.ZodLiteral<string>; id: typeof entryId; by: z.ZodOptional<typeof byDevice> },
  z.core.$loose
>;

export type Kind = {
  kind: string;
  /** Name of the profile: `KBV_PR_MIO_DIGA_Observation_Body_Weight`. */
  profile: string;
  section: Section | undefined;
  schema(lists: CodeLists): EntrySchema;
  names(entry: Entry): NamedEntry[];
  times(entry: Entry): Times;
  build(entry: Entry, context: BuildContext): Resource | Built[];
  /** Documented and tested; docs/mio-build.md is printed from it. */
  example: Entry;
};

type Members = Record<string, z.ZodType>;
export type EntryOf<M extends Members> = z.output<z.ZodObject<M>> & Common;

type KindDefinition<M extends Members> = {
  kind: string;
  profile: string;
  section: Section | undefined;
  /** Besides kind, id and by. */
  members(lists: CodeLists): M;
  /** What no single member can know. */
  faults?(entry: EntryOf<M>): Fault[];
  /** Other entries it names, besides `device` and `by`. */
  names?(entry: EntryOf<M>): NamedEntry[];
  /** Default: `at`, or `period`. */
  times?(entry: EntryOf<M>): Times;
  /** A resource of `profile`, or several, its own first. */
  build(entry: EntryOf<M>, context: BuildContext): Resource | Built[];
  example: z.input<z.ZodObject<M>> & Common;
};

export function defineKind<M extends Members>(definition: KindDefinition<M>): Kind {
  // The schema has made sure of the type before any of these is called.
  const typed = (entry: Entry) => entry as EntryOf<M>;
  return {
    kind: definition.kind,
    profile: definition.profile,
    section: definition.section,
    schema: (lists) => {
      const members: Members = definition.members(lists);
      return z
        .strictObject({
          kind: z.literal(definition.kind),
          id: entryId,
          by: ('device' in members ? byDevice : by).optional(),
          ...members,
        })
        .superRefine((entry, context) => {
          const whole = entry as Entry;
          for (const { path, code, message } of definition.faults?.(typed(whole)) ?? []) {
            context.addIssue({ code: 'custom', path, message: because(code, message) });
          }
          if (whole.by === 'device' && whole.device === undefined) {
            const message = because('MEMBER_MISSING', 'is needed where a device brought the data; or by: {device: id}');
            context.addIssue({ code: 'custom', path: ['device'], message });
          }
        }) as EntrySchema;
    },
    names: (entry) => [...commonNames(entry), ...(definition.names?.(typed(entry)) ?? [])],
    times: (entry) => definition.times?.(typed(entry)) ?? commonTimes(entry),
    build: (entry, context) => definition.build(typed(entry), context),
    example: definition.example as Entry,
  };
}

function commonNames(entry: Entry): NamedEntry[] {
  const names: NamedEntry[] = [];
  const device = (path: string[], id: string) => names.push({ path, kinds: ['device'], id, undeclared: 'warning' });
  if (typeof entry.device === 'string') device(['device'], entry.device);
  if (typeof entry.by === 'object') {
    for (const [kind, id] of Object.entries(entry.by)) {
      if (kind === 'device') device(['by', kind], id);
      else names.push({ path: ['by', kind], kinds: [kind], id });
    }
  }
  return names;
}

function commonTimes({ at, period }: Entry): Times {
  if (typeof at === 'string') return { from: at, until: at };
  const span = period as { start?: string; end?: string } | undefined;
  return { from: span?.start, until: span?.end };
}
