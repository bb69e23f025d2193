// Resources of a caller, made small, and the document they become or the findings that say why not (mio-diga.md section 13b).
import { assembleBundle } from '../../mio/build/bundle.ts';
import type { FhirResourcesContent } from '../../mio/build/fhir-content.ts';
import { draftsOfFhir } from '../../mio/build/fhir-resources.ts';
import type { Finding } from '../../mio/error.ts';
import type { FhirObject, Resource } from '../../mio/model.ts';
import { validate } from '../../mio/validate/validate.ts';
import { app, digest, identify, KVNR, NOW, tables } from './mio-build.ts';

const BUNDLE_ID = '5c3ab9d2-6a3c-4b8e-9a39-2a3a7f0f0c12';
const setting = { tables, app, insured: { kvnr: KVNR }, identify };

export function take(resources: Resource[], given: Partial<FhirResourcesContent> = {}) {
  const made = draftsOfFhir({ mode: 'fhir', resources, ...given }, setting);
  const part = { name: null, period: made.period ?? { start: NOW, end: NOW }, drafts: made.drafts };
  const errors = made.findings.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) return { ...made, errors, bundle: undefined };
  const { bundle } = assembleBundle({ part, tables, bundleId: BUNDLE_ID, now: NOW, identify, digest });
  return { ...made, errors, bundle };
}

export const told = (findings: Finding[]) => findings.map(({ code, pointer }) => `${code} ${pointer}`);
export const errorsOf = (bundle: Resource) => validate(bundle, tables).filter(({ severity }) => severity === 'error');

export const canonical = (name: string) => `https://fhir.kbv.de/StructureDefinition/KBV_PR_MIO_DIGA_${name}|1.1.0`;
export const diary = (id: string, members: FhirObject = {}): Resource => ({
  resourceType: 'Observation',
  id,
  meta: { profile: [canonical('Observation_Diary_Entry')] },
  status: 'final',
  code: {
    coding: [{ system: 'http://loinc.org', version: '2.72', code: '51855-5', display: 'Patient Note' }],
  },
  subject: { reference: 'Patient/p1' },
  effectiveDateTime: '2025-01-12T21:30:00+01:00',
  valueString: 'Gut geschlafen.',
  ...members,
});
export const patient = (id: string): Resource => ({
  resourceType: 'Patient',
  id,
  meta: { profile: [canonical('Patient')] },
});
export const UUID = '7d261218-8678-41eb-8dcd-0242ac130003';
