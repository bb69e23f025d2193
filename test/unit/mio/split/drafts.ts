// Drafts for the tests of splitting: only what splitting looks at. `bytes` of a resource is what `measure` says it takes.
import type { Draft, Part } from '../../../../mio/build/draft.ts';
import type { FhirValue } from '../../../../mio/model.ts';

const PREFIX = 'KBV_PR_MIO_DIGA_';

export const measure = ({ resource }: Draft): number => Number(resource.bytes);

export type DraftInput = {
  id: string;
  at?: string | undefined;
  bytes?: number;
  refers?: readonly string[];
  type?: string;
  profile?: string;
  section?: Draft['section'];
  agent?: Draft['agent'];
  members?: Record<string, FhirValue>;
};

/** Content in a section, unless `section: undefined` is said. */
export function draft(input: DraftInput): Draft {
  const { id, at, bytes = 1000, refers = ['patient'], type = 'Observation', profile = 'Observation_Free' } = input;
  return {
    resource: {
      resourceType: type,
      id,
      bytes,
      basedOn: refers.map((one) => ({ reference: `urn:uuid:${one}` })),
      ...input.members,
    },
    profile: `${PREFIX}${profile}`,
    section: 'section' in input ? input.section : 'befundeUndErgebnisse',
    from: at,
    until: at,
    pointer: `/resources/${id}`,
    agent: input.agent,
  };
}

export const support = (id: string, given: Partial<DraftInput> = {}) =>
  draft({ id, section: undefined, refers: [], ...given });

export const BASE: readonly Draft[] = [
  support('patient', { type: 'Patient', profile: 'Patient' }),
  support('app', { type: 'Device', profile: 'Device_DIGA', refers: ['definition'] }),
  support('definition', { type: 'DeviceDefinition', profile: 'DeviceDefinition_DIGA' }),
];

export function provenance(id: string, targets: readonly string[], given: Partial<DraftInput> = {}): Draft {
  const target = targets.map((one) => ({ reference: `urn:uuid:${one}` }));
  return support(id, { type: 'Provenance', profile: 'Provenance', members: { target }, ...given });
}

/** Ids in its sections, in order. */
export const contentOf = (part: Pick<Part, 'drafts'>): string[] =>
  part.drafts.filter((one) => one.section !== undefined).map((one) => String(one.resource.id));

export const idsOf = (part: Pick<Part, 'drafts'>): string[] => part.drafts.map((one) => String(one.resource.id));
