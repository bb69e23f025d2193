// How an entry names others: `{bodyWeight: id}`, persons also as the word patient. Which kinds an element takes is what the
// profiles say of its reference (test/unit/mio/build/named.test.ts compares).
import type { Reference } from '@medplum/fhirtypes';
import { z } from 'zod';
import { because, reference } from './inputs.ts';
import type { BuildContext, NamedEntry } from './kind.ts';
import type { Written } from './written.ts';

/** What the toolkit's profiles take as a measured value: vital signs, body measures and the free observation. */
export const MEASUREMENTS = [
  'observation',
  'bodyHeight',
  'oxygenSaturation',
  'bodyTemperature',
  'bodyWeight',
  'heartRate',
  'bloodPressure',
  'headCircumference',
  'respiratoryRate',
  'glucose',
] as const;

export const PERSONS = ['contact', 'practitionerRole', 'relatedPerson'] as const;

/** Exactly one member: the kind, with the id of the entry. */
export type Named = Readonly<Record<string, string>>;

export function namedOf(kinds: readonly string[]) {
  return z.union(
    kinds.map((kind) => z.strictObject({ [kind]: reference })),
    { error: because('VALUE_INVALID', `must name one entry: ${kinds.map((kind) => `{${kind}: id}`).join(', ')}`) },
  );
}

export const listOf = <T extends z.ZodType>(one: T) => z.array(one).min(1).max(1000);

/** The insured, or another person with an entry. */
export function personOf(kinds: readonly string[] = PERSONS) {
  return z.union([z.literal('patient'), ...kinds.map((kind) => z.strictObject({ [kind]: reference }))], {
    error: because(
      'VALUE_INVALID',
      `must be patient, or name an entry: ${kinds.map((kind) => `{${kind}: id}`).join(', ')}`,
    ),
  });
}
export type Person = 'patient' | Named;

/** The entries named at that path of an entry, for the check that they exist. */
export function namesAt(path: (string | number)[], named: Person | undefined): NamedEntry[] {
  if (named === undefined || named === 'patient') return [];
  return Object.entries(named).map(([kind, id]) => ({ path: [...path, kind], kinds: [kind], id }));
}

export function namesIn(path: (string | number)[], all: readonly (Person | undefined)[] | undefined): NamedEntry[] {
  return (all ?? []).flatMap((named, index) => namesAt([...path, index], named));
}

export function referenceTo(named: Person, context: BuildContext): Written<Reference> {
  if (named === 'patient') return context.subject;
  const [kind = '', id = ''] = Object.entries(named)[0] ?? [];
  return context.reference(kind, id);
}

/** Undefined where there is none, so that no empty list is written. */
export function referencesTo(
  all: readonly Person[] | undefined,
  context: BuildContext,
): Written<Reference>[] | undefined {
  return all?.map((named) => referenceTo(named, context));
}
