// What the builders of all kinds share: resources with id, profile and identifier, references, codings in full.
import type { FhirObject } from '../model.ts';
import { UCUM, ucumWords } from '../ucum.ts';
import type { CodeLists } from './code-lists.ts';
import type { Identify } from './identity.ts';
import { nameOf } from './identity.ts';
import type { BuildContext, Entry } from './kind.ts';
import { systemUrl, systemVersion } from './systems.ts';

export const PROFILE = 'KBV_PR_MIO_DIGA_';

/** Kinds of what is not an entry: one each in a document. */
export const PATIENT = ['patient', ''] as const;
export const APP = ['diga', ''] as const;

type Setting = {
  lists: CodeLists;
  identify: Identify;
  entry(kind: string, id: string): Entry | undefined;
  /** Id of the only one, for `by: "practitioner"`. */
  practitioner: string | undefined;
};

export function contextOf({ lists, identify, entry, practitioner }: Setting): BuildContext {
  const uuid = (kind: string, id: string) => identify(nameOf(kind, id));
  const reference = (kind: string, id: string): FhirObject => ({ reference: `urn:uuid:${uuid(kind, id)}` });
  const coding: BuildContext['coding'] = (of, named) => {
    const system = systemUrl(of.system) ?? of.system;
    const version = of.version ?? systemVersion(system);
    const display = of.display ?? lists.display(system, of.code) ?? named ?? of.code;
    return { system, ...(version === undefined ? {} : { version }), code: of.code, display };
  };
  return {
    lists,
    reference,
    entry,
    coding,
    bringer: ({ by = 'patient', device }) => {
      if (typeof by === 'object') return reference(...((Object.entries(by)[0] ?? PATIENT) as [string, string]));
      if (by === 'diga') return reference(...APP);
      if (by === 'device' && device !== undefined) return reference('device', device);
      if (by === 'practitioner' && practitioner !== undefined) return reference('contact', practitioner);
      return reference(...PATIENT);
    },
    subject: reference(...PATIENT),
    app: reference(...APP),
    resource: (profile, kind, id) => {
      const { url, version, type, root } = lists.profile(profile);
      const own = uuid(kind, id);
      const identifier = root.children.find((child) => child.name === 'identifier');
      const value = identifierOf(own);
      return {
        resourceType: type,
        id: own,
        meta: { profile: [`${url}|${version}`] },
        ...(identifier === undefined || identifier.max === 0 ? {} : { identifier: identifier.list ? [value] : value }),
      };
    },
    concept: ({ text, system, code, version, display }) => ({
      ...(system === undefined || code === undefined
        ? {}
        : { coding: [coding({ system, code, version, display }, text)] }),
      ...(text === undefined ? {} : { text }),
    }),
    listed: (valueSet, code, display) => lists.coding(valueSet, code, display),
    fixed: (profile, element) => lists.fixed(profile, element),
    quantity: (value, code, unit) => ({ value, unit: unit ?? ucumWords(code), system: UCUM, code }),
  };
}

/** The identifier that nearly every profile demands (mio-diga.md section 3). */
export function identifierOf(uuid: string): FhirObject {
  return {
    type: {
      coding: [
        {
          system: 'http://terminology.hl7.org/CodeSystem/v2-0203',
          version: '2.9',
          code: 'RI',
          display: 'Resource identifier',
        },
      ],
    },
    system: 'urn:ietf:rfc:3986',
    value: `urn:uuid:${uuid}`,
  };
}
