// `content` of mode "fhir" (mio-diga.md section 13b): a finished document, or resources of the toolkit to make one of. What is in
// the resources is the validator's to judge; here only what makes them a content.
import { z } from 'zod';
import type { Finding } from '../error.ts';
import { type FhirValue, isObject, type Resource } from '../model.ts';
import type { ToolkitTables } from '../tables.ts';
import { findingsOf } from './findings.ts';
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

const resource = z
  .custom<Resource>((value) => value === undefined || isResource(value), {
    message: because('RESOURCE_INVALID', 'must be a resource of FHIR R4: a JSON object with resourceType'),
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
  const parsed = schema.safeParse(value, { reportInput: true });
  return parsed.success ? { content: parsed.data, findings: [] } : { findings: findingsOf(parsed.error) };
}

function isResource(value: unknown): value is Resource {
  const object = value as FhirValue | undefined;
  return isObject(object) && typeof object.resourceType === 'string';
}
