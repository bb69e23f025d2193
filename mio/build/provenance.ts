// Who brought what (mio-diga.md section 7): one Provenance for all that one agent brought, instead of one for each value,
// which halves a document of many values. `recorded` is given by bundle.ts: when it became what it is.
import type { Resource } from '../model.ts';
import type { CodeLists } from './code-lists.ts';
import { PROFILE } from './context.ts';
import type { Agent, Draft } from './draft.ts';
import type { Identify } from './identity.ts';

const PROVENANCE = `${PROFILE}Provenance`;

type Setting = { lists: CodeLists; identify: Identify; partName: string | null };

/** In the order in which the agents come up. The profile lets no Provenance lead to a DocumentReference or a treatment goal. */
export function provenanceOf(drafts: readonly Draft[], { lists, identify, partName }: Setting): Resource[] {
  const groups = new Map<string, { agent: Agent; targets: Resource[] }>();
  const profiles = new Set(lists.element(PROVENANCE, 'target').types.flatMap(({ targets }) => targets));
  for (const { agent, resource, profile } of drafts) {
    if (agent === undefined || !profiles.has(profile)) continue;
    const key = JSON.stringify(['provenance', partName, agent.type, agent.who]);
    const group = groups.get(key) ?? { agent, targets: [] };
    group.targets.push(resource);
    groups.set(key, group);
  }
  const { url, version } = lists.profile(PROVENANCE);
  return [...groups].map(([key, { agent, targets }]) => ({
    resourceType: 'Provenance',
    id: identify(key),
    meta: { profile: [`${url}|${version}`] },
    target: targets.map(({ id }) => ({ reference: `urn:uuid:${String(id)}` })),
    agent: [
      {
        type: { coding: [lists.coding('provenance-agent-type', agent.type)] },
        who: { reference: agent.who },
      },
    ],
  }));
}
