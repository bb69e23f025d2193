// Code systems by the short names that callers may use, with the version the toolkit 1.1.0 names for them (mio-diga.md
// section 2). A code of a system without a version here needs one from the caller, as Coding.version is mandatory.
import { UCUM } from '../ucum.ts';

export type CodeSystem = { url: string; version: string | undefined };

export const SYSTEMS: Readonly<Record<string, CodeSystem>> = {
  loinc: { url: 'http://loinc.org', version: '2.72' },
  snomed: { url: 'http://snomed.info/sct', version: 'http://snomed.info/sct/900000000000207008/version/20220331' },
  ucum: { url: UCUM, version: '2.1' },
  icd10gm: { url: 'http://fhir.de/CodeSystem/bfarm/icd-10-gm', version: undefined },
  ops: { url: 'http://fhir.de/CodeSystem/bfarm/ops', version: undefined },
  alphaid: { url: 'http://fhir.de/CodeSystem/bfarm/alpha-id', version: undefined },
  atc: { url: 'http://fhir.de/CodeSystem/bfarm/atc', version: undefined },
  pzn: { url: 'http://fhir.de/CodeSystem/ifa/pzn', version: undefined },
  ask: { url: 'http://fhir.de/CodeSystem/ask', version: undefined },
  icf: { url: 'http://hl7.org/fhir/sid/icf', version: undefined },
};

const VERSIONS: ReadonlyMap<string, string> = new Map([
  ...Object.values(SYSTEMS).flatMap(({ url, version }): [string, string][] =>
    version === undefined ? [] : [[url, version]],
  ),
  ['http://terminology.hl7.org/CodeSystem/v2-0203', '2.9'],
  ['http://fhir.de/CodeSystem/identifier-type-de-basis', '1.3.2'],
  // As KBV's examples have them; the packages name no version.
  ['http://standardterms.edqm.eu', '2017-08-21'],
  ['http://terminology.hl7.org/CodeSystem/v3-ActCode', '2018-08-12'],
  ['http://terminology.hl7.org/CodeSystem/v3-ParticipationType', '2018-08-12'],
  ['http://terminology.hl7.org/CodeSystem/v3-RoleCode', '2018-08-12'],
  ['https://fhir.kbv.de/CodeSystem/KBV_CS_SFHIR_BAR2_ARZTNRFACHGRUPPE', '1.03'],
  ['https://fhir.kbv.de/CodeSystem/KBV_CS_SFHIR_KBV_DARREICHUNGSFORM', '1.08'],
  // The code systems of de.basisprofil.r4 that carry its version.
  ['http://fhir.de/CodeSystem/ifa/pzn', '1.3.2'],
  ['http://fhir.de/CodeSystem/dkgev/Fachabteilungsschluessel', '1.3.2'],
  ['http://fhir.de/CodeSystem/dkgev/Fachabteilungsschluessel-erweitert', '1.3.2'],
]);

/** Short name or URL; undefined for a word that is neither. */
export function systemUrl(system: string): string | undefined {
  if (Object.hasOwn(SYSTEMS, system)) return SYSTEMS[system]?.url;
  return /^(https?|urn):\S+$/.test(system) ? system : undefined;
}

/** The code systems of FHIR R4 carry its version. */
export function systemVersion(url: string): string | undefined {
  return VERSIONS.get(url) ?? (url.startsWith('http://terminology.hl7.org/CodeSystem/') ? '4.0.1' : undefined);
}

/**
 * What LOINC calls codes that DiGAs use often and the toolkit's value sets do not contain; compared with published FHIR packages
 * (docs/decisions.md).
 */
const NAMES: Readonly<Record<string, string>> = {
  '44261-6': 'Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]',
  '70274-6': 'Generalized anxiety disorder 7 item (GAD-7) total score [Reported.PHQ]',
  '55423-8': 'Number of steps in unspecified time Pedometer',
  '41950-7': 'Number of steps in 24 hour Measured',
};

export function knownName(url: string, code: string): string | undefined {
  return url === 'http://loinc.org' && Object.hasOwn(NAMES, code) ? NAMES[code] : undefined;
}
