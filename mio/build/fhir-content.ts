// `content` of mode "fhir" (mio-diga.md section 13b): a finished document, or resources of the toolkit to make one of. What is in
// the resources is the validator's to judge; here only what makes them a content.
import { z } from 'zod';
import type { Finding } from '../error.ts';
import { type FhirValue, isObject, type Resource } from '../model.ts';
import type { ToolkitTables } from '../tables.ts';
import { findingAt, findingsOf, limited, MAX_FINDINGS } from './findings.ts';
import { because, instant } from './inputs.ts';

export type FhirBundleContent = { mode: 'fhir'; mioVersion?: string | undefined; bundle: Resource };
export type FhirResourcesContent = {
  mode: 'fhir';
  mioVersion?: string | undefined;
  /** Betrachtungszeitraum; left out, it is what the resources span. */
  period?: { start: string; end: string } | undefined;
  resources: Resource[];
};
export type FhirContent = FhirBundleContent | FhirResourcesContent;

const NO_RESOURCE = 'must be a resource of FHIR R4: a JSON object with resourceType';

const resource = z
  .custom<Resource>((value) => value === undefined || isResource(value), {
    message: because('RESOURCE_INVALID', NO_RESOURCE),
  })
  .refine((value) => value !== undefined, because('MEMBER_MISSING', 'is missing'));

const common = (tables: ToolkitTables) => ({
  mode: z.literal('fhir'),
  mioVersion: z.literal(tables.index.version).optional(),
});

/** A finished document. */
export function fhirBundleContent(tables: ToolkitTables): z.ZodType<FhirBundleContent> {
  return z.strictObject({ ...common(tables), bundle: resource });
}

/** Resources, each with the profile of the toolkit in `meta.profile`. */
export function fhirResourcesContent(tables: ToolkitTables): z.ZodType<FhirResourcesContent> {
  const period = z
    .strictObject({ start: instant, end: instant })
    .refine(({ start, end }) => Date.parse(start) <= Date.parse(end), {
      message: because('PERIOD_REVERSED', 'ends before it starts'),
      path: ['end'],
    });
  return z.strictObject({ ...common(tables), period: period.optional(), resources: z.array(resource).min(1) });
}

/**
 * The content, or every fault of it; pointers are below `content`. Nothing is changed: numbers keep the spelling that
 * mio/json.ts read.
 */
export function readFhir(value: unknown, tables: ToolkitTables): { content?: FhirContent; findings: Finding[] } {
  const finished = typeof value === 'object' && value !== null && 'bundle' in value;
  const schema: z.ZodType<FhirContent> = finished ? fhirBundleContent(tables) : fhirResourcesContent(tables);
  const faults = isRecord(value) && Array.isArray(value.resources) ? resourceFaults(value.resources) : [];
  // zod would make an object of a kilobyte of each.
  const rest = isRecord(value) && faults.length > 0 ? { ...value, resources: [{ resourceType: '' }] } : value;
  const parsed = schema.safeParse(rest, { reportInput: true });
  if (parsed.success && faults.length === 0) return { content: parsed.data, findings: [] };
  return { findings: limited([...(parsed.success ? [] : findingsOf(parsed.error)), ...faults]) };
}

function resourceFaults(resources: readonly unknown[]): Finding[] {
  const faults: Finding[] = [];
  for (const [index, one] of resources.entries()) {
    if (faults.length > MAX_FINDINGS) break;
    if (!isResource(one)) faults.push(findingAt(['resources', index], 'RESOURCE_INVALID', NO_RESOURCE));
  }
  return faults;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isResource(value: unknown): value is Resource {
  const object = value as FhirValue | undefined;
  return isObject(object) && typeof object.resourceType === 'string';
}
