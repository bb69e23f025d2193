// The information model as a scenario or control call gives it (konnektor.md 11): Mandanten, ClientSystems, Workplaces, and who is
// assigned to whom. A list given takes the place of the one there is; what it names must be there, and everything that is not is told
// at once.
import { z } from 'zod';
import type { Finding } from '../refusal.ts';
import { isSmb, managerOf, setPinStatus } from './cards.ts';
import type { InformationModel, KonnektorState, Mandant } from './model.ts';

/** CONN:MandantId and its like: a string of 64 at most (konnektor.md 1); control characters are in none of them. */
const id = z.string().regex(/^[^\p{Cc}]{1,64}$/u, 'an ID of 1 to 64 characters');
const ids = z.array(id).max(200).optional();

/** Members of a scenario and of POST and PATCH /sim/konnektors. A list of references left out means all there are. */
export const modelMembers = {
  mandants: z
    .array(
      z.strictObject({
        id,
        clientSystems: ids,
        workplaces: ids,
        terminals: ids,
        /** SM-Bs it manages: by ICCSN, or all of a Telematik-ID. */
        smbs: ids,
      }),
    )
    .min(1)
    .max(50)
    .optional(),
  clientSystems: z
    .array(z.strictObject({ id, workplaces: ids }))
    .min(1)
    .max(50)
    .optional(),
  workplaces: z
    .array(
      z.strictObject({
        id,
        /** Terminals that stand there; none where it is left out. */
        local: ids,
        /** Terminals elsewhere that it may use. */
        remote: ids,
        /** Where the PIN of a card in one of those is entered. */
        remotePinTerminal: id.nullish(),
      }),
    )
    .min(1)
    .max(50)
    .optional(),
};
const modelSchema = z.strictObject(modelMembers);
export type ModelSeed = z.infer<typeof modelSchema>;
type Given = { [K in keyof Required<ModelSeed>]: NonNullable<ModelSeed[K]> };

/** As GET shows it, and as it can be sent back. */
export function modelView({ model }: Pick<KonnektorState, 'model'>): Required<ModelSeed> {
  return {
    mandants: model.mandants.map((mandant) => ({ ...mandant })),
    clientSystems: [...model.clientSystems].map(([name, workplaces]) => ({ id: name, workplaces })),
    workplaces: [...model.workplaces].map(([name, { local, remote, remotePinTerminal = null }]) => ({
      id: name,
      local,
      remote,
      remotePinTerminal,
    })),
  };
}

/** What the model would name that is not there or is there twice. */
export function modelFindings(state: KonnektorState, seed: ModelSeed): Finding[] {
  const given = { ...modelView(state), ...present(seed) } as Given;
  const findings: Finding[] = [];
  const known = {
    clientSystems: new Set(given.clientSystems.map((one) => one.id)),
    workplaces: new Set(given.workplaces.map((one) => one.id)),
    terminals: new Set(state.terminals.keys()),
    smbs: new Set(smbsOf(state).flatMap(({ iccsn, telematikId }) => [iccsn, telematikId ?? iccsn])),
  };
  const check = (
    list: keyof ModelSeed,
    index: number,
    refs: Record<string, readonly string[] | string | undefined>,
  ) => {
    for (const [member, names] of Object.entries(refs)) {
      const kind = member in known ? (member as keyof typeof known) : 'terminals';
      const one = typeof names === 'string';
      for (const [at, name] of (one ? [names] : (names ?? [])).entries()) {
        if (known[kind].has(name)) continue;
        // What was not sent names what is missing from a list that was.
        const pointer = seed[list] === undefined ? `/${kind}` : `/${list}/${index}/${member}${one ? '' : `/${at}`}`;
        findings.push({
          pointer,
          code: 'unknown',
          message: `${given[list][index]?.id} names ${name}, which is not there`,
        });
      }
    }
  };
  for (const [index, { id: _id, ...refs }] of given.mandants.entries()) check('mandants', index, refs);
  for (const [index, { workplaces }] of given.clientSystems.entries()) check('clientSystems', index, { workplaces });
  for (const [index, { local, remote, remotePinTerminal }] of given.workplaces.entries()) {
    check('workplaces', index, { local, remote, remotePinTerminal: remotePinTerminal ?? undefined });
    for (const [at, ctId] of (remote ?? []).entries())
      if (local?.includes(ctId) === true)
        findings.push({
          pointer: `/workplaces/${index}/remote/${at}`,
          code: 'contradiction',
          message: 'it is local there',
        });
  }
  for (const list of ['mandants', 'clientSystems', 'workplaces'] as const)
    for (const [index, one] of given[list].entries())
      if (given[list].findIndex((other) => other.id === one.id) < index)
        findings.push({ pointer: `/${list}/${index}/id`, code: 'taken', message: `${one.id} is named twice` });
  return findings;
}

/** Puts it in the place of the one there is. `modelFindings` has none. Card sessions of whom it no longer knows are over. */
export function applyModel(state: KonnektorState, seed: ModelSeed): void {
  if (Object.keys(present(seed)).length === 0) return;
  const given = { ...modelView(state), ...present(seed) } as Given;
  const workplaces = given.workplaces.map((one) => one.id);
  const all = {
    clientSystems: given.clientSystems.map((one) => one.id),
    terminals: [...state.terminals.keys()],
    smbs: smbsOf(state).map((card) => card.iccsn),
  };
  const model: InformationModel = {
    mandants: given.mandants.map(
      (one): Mandant => ({
        id: one.id,
        clientSystems: [...(one.clientSystems ?? all.clientSystems)],
        workplaces: [...(one.workplaces ?? workplaces)],
        terminals: [...(one.terminals ?? all.terminals)],
        smbs: one.smbs === undefined ? all.smbs.slice() : numbersOf(state, one.smbs),
      }),
    ),
    clientSystems: new Map(given.clientSystems.map((one) => [one.id, [...(one.workplaces ?? workplaces)]])),
    workplaces: new Map(
      given.workplaces.map(({ id: name, local = [], remote = [], remotePinTerminal: pad }) => [
        name,
        { local: [...local], remote: [...remote], ...(pad != null && { remotePinTerminal: pad }) },
      ]),
    ),
  };
  state.model = model;
  for (const terminal of state.terminals.values())
    terminal.workplaces = [...model.workplaces].flatMap(([name, { local }]) =>
      local.includes(terminal.ctId) ? [name] : [],
    );
  for (const card of state.cards.values()) {
    if (!isSmb(card) && card.cardType !== 'HBA') continue;
    const isKnown = (whose: string) =>
      isSmb(card)
        ? model.mandants.some((mandant) => mandant.id === whose && mandant.smbs.includes(card.iccsn))
        : model.clientSystems.has(whose);
    card.verifiedFor = new Set([...card.verifiedFor].filter((session) => isKnown(session.split('\n')[0] ?? '')));
  }
}

/** The model of a Konnektor that begins with it: what was verified there is so for its first Mandant (D27), and who is let in is one of its ClientSystems. */
export function beginWith(state: KonnektorState, seed: ModelSeed): void {
  const verified = smbsOf(state).filter((card) => card.verifiedFor.size > 0);
  applyModel(state, seed);
  for (const card of verified) if (managerOf(state, card) !== undefined) setPinStatus(state, card, 'VERIFIED');
  const { boundTo } = state.transport;
  const [first = null] = state.model.clientSystems.keys();
  if (boundTo !== null && !state.model.clientSystems.has(boundTo))
    state.transport = { ...state.transport, boundTo: first };
}

/** A call context that goes through, for a client of this Konnektor: of its first Mandant, with the ClientSystem it is bound to. */
export function usableContext({ model, transport }: KonnektorState): Context | undefined {
  for (const mandant of model.mandants)
    for (const clientSystem of mandant.clientSystems) {
      if (transport.boundTo !== null && transport.authentication !== 'none' && transport.boundTo !== clientSystem)
        continue;
      const workplace = mandant.workplaces.find((one) => model.clientSystems.get(clientSystem)?.includes(one));
      if (workplace !== undefined) return { mandant: mandant.id, clientSystem, workplace };
    }
  return undefined;
}
export type Context = { mandant: string; clientSystem: string; workplace: string };

const smbsOf = (state: KonnektorState) => [...state.cards.values()].filter(isSmb);

const numbersOf = (state: KonnektorState, names: readonly string[]): string[] =>
  smbsOf(state)
    .filter(({ iccsn, telematikId }) => names.includes(iccsn) || names.includes(telematikId ?? iccsn))
    .map((card) => card.iccsn);

const present = (seed: ModelSeed): ModelSeed =>
  Object.fromEntries(Object.entries(seed).filter(([, list]) => list !== undefined));
