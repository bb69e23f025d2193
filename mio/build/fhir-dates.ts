// When the content of a resource is, for the splitting and the Betrachtungszeitraum: the elements of each type that say so, the best
// first. What is valid no matter when (a contact, a questionnaire) has no date and stands in the newest part.
import { type FhirObject, type FhirValue, isObject, type Resource } from '../model.ts';
import { momentsOf } from '../split/calendar.ts';
import type { Times } from './kind.ts';

/** Choices by their stem: `effective` is effectiveDateTime, effectivePeriod, effectiveInstant or effectiveTiming. */
const ELEMENTS: Readonly<Record<string, readonly string[]>> = {
  AllergyIntolerance: ['recordedDate', 'onset', 'lastOccurrence'],
  Appointment: ['start', 'requestedPeriod', 'created'],
  CarePlan: ['period', 'created'],
  Condition: ['recordedDate', 'onset', 'abatement'],
  DocumentReference: ['date'],
  Encounter: ['period'],
  Goal: ['start', 'statusDate'],
  MedicationAdministration: ['effective'],
  MedicationStatement: ['effective', 'dateAsserted'],
  Observation: ['effective', 'issued'],
  Procedure: ['performed'],
  QuestionnaireResponse: ['authored'],
};
const ENDINGS = ['', 'DateTime', 'Date', 'Instant', 'Period', 'Timing'];

/** Only what is a date; anything else is for the validator to find. */
export function timesOf(resource: Resource): Times {
  for (const stem of ELEMENTS[resource.resourceType] ?? []) {
    for (const ending of ENDINGS) {
      const times = timesIn(resource[`${stem}${ending}`]);
      if (times === undefined) continue;
      const end = stem === 'start' ? dateIn(resource.end) : undefined;
      return end === undefined ? times : { ...times, until: end };
    }
  }
  return {};
}

function timesIn(value: FhirValue | undefined): Times | undefined {
  const date = dateIn(value);
  if (date !== undefined) return { from: date, until: date };
  if (!isObject(value)) return undefined;
  if (Array.isArray(value.event)) return eventsIn(value.event);
  const bounds: FhirObject =
    isObject(value.repeat) && isObject(value.repeat.boundsPeriod) ? value.repeat.boundsPeriod : value;
  const [from, until] = [dateIn(bounds.start), dateIn(bounds.end)];
  return from === undefined && until === undefined ? undefined : { from: from ?? until, until: until ?? from };
}

function eventsIn(events: readonly FhirValue[]): Times | undefined {
  const dates = events.map(dateIn).filter((one) => one !== undefined);
  dates.sort((a, b) => (momentsOf(a)?.start ?? 0) - (momentsOf(b)?.start ?? 0));
  return dates.length === 0 ? undefined : { from: dates[0], until: dates.at(-1) };
}

function dateIn(value: FhirValue | undefined): string | undefined {
  return typeof value === 'string' && momentsOf(value) !== undefined ? value : undefined;
}
