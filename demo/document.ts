// A finished MIO DiGA Toolkit document for the story, as a DiGA that builds its own would bring it: one diary entry of an invented
// person. Profiles and codes: KBV MIO DiGA Toolkit 1.1.0. What the gateway builds itself is told in entries.ts.
import { createHash } from 'node:crypto';
import { type Markup, serialize, xml } from '../wire/xml.ts';

const PROFILE = 'https://fhir.kbv.de/StructureDefinition/KBV_PR_MIO_DIGA_';

const value = (name: string, text: string): Markup => xml(name, { value: text });
const reference = (name: string, uuid: string): Markup => xml(name, {}, value('reference', `urn:uuid:${uuid}`));
const coding = (system: string, version: string | undefined, code: string, display: string): Markup =>
  xml(
    'coding',
    {},
    value('system', system),
    ...(version === undefined ? [] : [value('version', version)]),
    value('code', code),
    value('display', display),
  );
const uuidIdentifier = (uuid: string): Markup =>
  xml(
    'identifier',
    {},
    xml('type', {}, coding('http://terminology.hl7.org/CodeSystem/v2-0203', '2.9', 'RI', 'Resource identifier')),
    value('system', 'urn:ietf:rfc:3986'),
    value('value', `urn:uuid:${uuid}`),
  );
const head = (uuid: string, profile: string, version: number, updated: string): Markup[] => [
  value('id', uuid),
  xml(
    'meta',
    {},
    value('versionId', String(version)),
    value('lastUpdated', updated),
    value('profile', `${PROFILE}${profile}|1.1.0`),
  ),
];
const entry = (uuid: string, resource: Markup): Markup =>
  xml('entry', {}, value('fullUrl', `urn:uuid:${uuid}`), xml('resource', {}, resource));

/** A name-based UUID, the same for the same words, so that a second version speaks of the same person and device. */
function uuidOf(...words: string[]): string {
  const hash = createHash('sha256')
    .update(['demo', ...words].join('/'))
    .digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

/** The bytes of version `version` for the insured person `kvnr`, dated `at`; every version differs in Bundle.id and timestamp. */
export function demoDocument(kvnr: string, version: number, at: Date): Uint8Array {
  const updated = at.toISOString();
  const id = (what: string) => uuidOf(kvnr, what);
  const [patient, app, appKind, maker, diary] = [id('patient'), id('app'), id('kind'), id('maker'), id('diary')];
  const [bundle, composition, provenance] = ['bundle', 'composition', 'provenance'].map((what) =>
    uuidOf(kvnr, what, String(version), updated),
  ) as [string, string, string];

  const compositionResource = xml(
    'Composition',
    {},
    ...head(composition, 'Composition', version, updated),
    xml(
      'extension',
      { url: 'https://fhir.kbv.de/StructureDefinition/KBV_EX_MIO_DIGA_Betrachtungszeitraum' },
      xml('valuePeriod', {}, value('start', '2026-09-01T00:00:00+02:00'), value('end', updated)),
    ),
    value('status', 'final'),
    xml('type', {}, coding('http://loinc.org', '2.72', '53576-5', 'Personal health monitoring report Document')),
    reference('subject', patient),
    value('date', updated.slice(0, 10)),
    reference('author', app),
    value('title', 'DiGA-Export'),
    xml(
      'section',
      {},
      value('title', 'Patientenberichte'),
      xml(
        'code',
        {},
        coding(
          'https://fhir.kbv.de/CodeSystem/KBV_CS_MIO_DIGA_Section_Codes',
          '1.1.0',
          'SectionPatientenberichte',
          'Bereich Patientenberichte',
        ),
      ),
      reference('entry', diary),
    ),
  );
  const patientResource = xml(
    'Patient',
    {},
    ...head(patient, 'Patient', 1, updated),
    xml(
      'identifier',
      {},
      xml(
        'type',
        {},
        coding(
          'http://fhir.de/CodeSystem/identifier-type-de-basis',
          undefined,
          'GKV',
          'Gesetzliche Krankenversicherung',
        ),
      ),
      value('system', 'http://fhir.de/sid/gkv/kvid-10'),
      value('value', kvnr),
    ),
    uuidIdentifier(patient),
  );
  const appResource = xml(
    'Device',
    {},
    ...head(app, 'Device_DIGA', 1, updated),
    xml('identifier', {}, xml('type', {}, value('text', 'DiGA-VE-ID')), value('value', 'DEMO-0001')),
    reference('definition', appKind),
    xml('deviceName', {}, value('name', 'Demo DiGA'), value('type', 'user-friendly-name')),
    xml('type', {}, xml('coding', {}, value('system', 'http://fhir.de/CodeSystem/ifa/pzn'), value('code', '00000017'))),
  );
  const kindResource = xml(
    'DeviceDefinition',
    {},
    ...head(appKind, 'DeviceDefinition_DIGA', 1, updated),
    uuidIdentifier(appKind),
    reference('manufacturerReference', maker),
    xml(
      'type',
      {},
      coding(
        'http://snomed.info/sct',
        'http://snomed.info/sct/900000000000207008/version/20220331',
        '706689003',
        'Application program software (physical object)',
      ),
    ),
  );
  const makerResource = xml(
    'Organization',
    {},
    ...head(maker, 'Organization_Manufacturer', 1, updated),
    uuidIdentifier(maker),
    value('name', 'Demo DiGA GmbH'),
    xml('telecom', {}, value('system', 'url'), value('value', 'https://demo-diga.example')),
  );
  const diaryResource = xml(
    'Observation',
    {},
    ...head(diary, 'Observation_Diary_Entry', version, updated),
    uuidIdentifier(diary),
    value('status', 'final'),
    xml('code', {}, coding('http://loinc.org', '2.72', '51855-5', 'Patient Note')),
    reference('subject', patient),
    value('effectiveDateTime', updated.slice(0, 10)),
    reference('performer', patient),
    value('valueString', `Erfundener Tagebucheintrag, Stand ${version}: heute 20 Minuten spazieren gegangen.`),
  );
  const provenanceResource = xml(
    'Provenance',
    {},
    ...head(provenance, 'Provenance', version, updated),
    reference('target', diary),
    value('recorded', updated),
    xml(
      'agent',
      {},
      xml(
        'type',
        {},
        coding('http://terminology.hl7.org/CodeSystem/provenance-participant-type', '4.0.1', 'author', 'Author'),
      ),
      reference('who', patient),
    ),
  );

  const document = xml(
    'Bundle',
    { xmlns: 'http://hl7.org/fhir' },
    ...head(bundle, 'Bundle', version, updated),
    uuidIdentifier(bundle),
    value('type', 'document'),
    value('timestamp', updated),
    entry(composition, compositionResource),
    entry(patient, patientResource),
    entry(app, appResource),
    entry(appKind, kindResource),
    entry(maker, makerResource),
    entry(diary, diaryResource),
    entry(provenance, provenanceResource),
  );
  return Buffer.from(serialize(document));
}
