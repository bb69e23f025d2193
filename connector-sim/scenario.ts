// A scenario file (api.md section 4): seed, insured, cards, terminals, Konnektors and all vendors of a world, as YAML, read
// strictly, and what is done with it by and by (steps/).
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import type { CardSeed } from './further-digas.ts';
import { FIRST_KONNEKTOR } from './konnektor/default-konnektor.ts';
import type { KonnektorSeed } from './konnektor/further-konnektor.ts';
import { cardSeedSchema, terminalSeedSchema } from './konnektor/inventory.ts';
import { type ModelSeed, modelMembers } from './konnektor/model-seed.ts';
import type { Plugs } from './konnektor/plugs.ts';
import { isKvnr } from './kvnr.ts';
import { RECORD_STATUS, RECORD_SYSTEMS } from './records.ts';
import { acceptMeant, type Finding, findingsOf, type Readable, Refusal } from './refusal.ts';
import { type Step, stepsSchema } from './steps/step.ts';
import { KONNEKTOR_VENDORS, type KonnektorVendor } from './tables/konnektor-profiles.ts';
import { VENDOR_NAMES } from './tables/vendors.ts';
import { DEMO_TELEMATIK_ID, type InsuredSeed, type VendorChoice } from './world.ts';

export type Scenario = {
  seed?: number;
  insured?: InsuredSeed[];
  recordSystems?: VendorChoice;
  /** SMC-Bs of further DiGAs. */
  cards?: CardSeed[];
  /** Further terminals, and cards that name their `cardType`. */
  plugs?: Plugs;
  konnektor?: KonnektorVendor;
  konnektors?: KonnektorSeed[];
  /** Mandanten, ClientSystems and Workplaces of the first Konnektor. */
  model?: ModelSeed;
  steps?: Step[];
};

export const seedSchema = z.int().min(0).max(4_294_967_295);
export const kvnrSchema = z.string().refine(isKvnr, 'not a letter and nine digits with a right check digit');

/** Members of a record that scenario and PUT /sim/records share. */
export const recordChangeSchema = z.strictObject({
  recordSystem: z.enum(RECORD_SYSTEMS).optional(),
  status: z.enum(RECORD_STATUS).optional(),
  entitled: z.array(z.string().min(1).max(128)).optional(),
  hidden: z.boolean().optional(),
  keepIds: z.boolean().optional(),
});

const vendor = z.enum(VENDOR_NAMES).optional();
const vendorsSchema = z.union([z.literal('seed'), z.strictObject({ 'epa-as-1': vendor, 'epa-as-2': vendor })]);

const cardSchema = z.strictObject({
  // as a DiGA's begins (epa-record-system.md 4.2); it stands in XCN and XON, whose separators it must not hold
  telematikId: z.string().regex(/^9-[A-Za-z0-9._-]{1,100}$/, 'not a Telematik-ID of a DiGA'),
  organization: z.string().min(1).max(64),
});

export const konnektorVendorSchema = z.enum(KONNEKTOR_VENDORS);

/** A further Konnektor, in a scenario and in POST /sim/konnektors. */
export const konnektorSeedSchema = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'small letters, digits and hyphens'),
  profile: konnektorVendorSchema.optional(),
  cards: z.array(cardSchema).min(1).max(20).optional(),
  ...modelMembers,
});

const konnektor = z.string().min(1).max(64).optional();
const pluggedCardSchema = cardSeedSchema.extend({ konnektor });

/** A card that says what it is, or the SMC-B of a further DiGA, which needs no word for it. */
const anyCardSchema = z.unknown().transform((given, context): CardSeed | z.infer<typeof pluggedCardSchema> => {
  const plugged = typeof given === 'object' && given !== null && 'cardType' in given;
  const checked = (plugged ? pluggedCardSchema : cardSchema).safeParse(given);
  if (checked.success) return checked.data;
  for (const { pointer, message } of findingsOf(checked.error))
    context.addIssue({ code: 'custom', message, path: pointer.split('/').slice(1) });
  return z.NEVER;
});

const scenarioSchema = z.strictObject({
  seed: seedSchema.optional(),
  insured: z
    .array(recordChangeSchema.extend({ kvnr: kvnrSchema.optional(), recordSystem: z.enum(RECORD_SYSTEMS) }))
    .min(1)
    .optional(),
  recordSystems: vendorsSchema.optional(),
  cards: z.array(anyCardSchema).max(20).optional(),
  terminals: z.array(terminalSeedSchema.extend({ konnektor })).max(20).optional(),
  konnektor: konnektorVendorSchema.optional(),
  konnektors: z.array(konnektorSeedSchema).max(8).optional(),
  ...modelMembers,
  steps: stepsSchema.optional(),
});

/** Reads the text of a scenario file. Refusal with every finding at once. */
export function readScenario(text: string): Scenario {
  let value: unknown;
  try {
    value = parse(text, { strict: true, uniqueKeys: true });
  } catch (error) {
    const reason = error instanceof YAMLParseError ? error.message.split('\n')[0] : 'not readable';
    throw new Refusal({ status: 422, code: 'SCENARIO_INVALID', message: `the scenario is not YAML: ${reason}` });
  }
  return checkScenario(value ?? {});
}

/** A scenario already read. Refusal with every finding at once. */
export function checkScenario(value: unknown): Scenario {
  const given = acceptMeant(scenarioSchema, value, twice);
  const { cards: all, terminals, mandants, clientSystems, workplaces, ...rest } = given;
  const scenario: Scenario = { ...rest };
  if ((mandants ?? clientSystems ?? workplaces) !== undefined) scenario.model = { mandants, clientSystems, workplaces };
  if (all !== undefined) scenario.cards = all.filter((card): card is CardSeed => !('cardType' in card));
  if (all !== undefined || terminals !== undefined)
    scenario.plugs = { terminals: terminals ?? [], cards: (all ?? []).filter((card) => 'cardType' in card) };
  return scenario;
}

/** Insured, holders and Konnektors that are there already. */
function twice({ insured = [], cards = [], konnektors = [] }: Readable<z.infer<typeof scenarioSchema>>): Finding[] {
  const repeated = (
    before: readonly string[],
    keys: readonly (string | undefined)[],
    told: { list: string; member: string; message: string },
  ) =>
    keys.flatMap((key, index): Finding[] => {
      if (key === undefined || ![...before, ...keys.slice(0, index)].includes(key)) return [];
      return [{ pointer: `/${told.list}/${index}/${told.member}`, code: 'taken', message: told.message }];
    });
  return [
    ...repeated(
      [],
      insured.map(({ kvnr }) => kvnr),
      { list: 'insured', member: 'kvnr', message: 'an insured is named twice' },
    ),
    ...repeated(
      [DEMO_TELEMATIK_ID],
      cards.map((card) => ('cardType' in card ? undefined : card.telematikId)),
      {
        list: 'cards',
        member: 'telematikId',
        message: `two cards have one Telematik-ID (the demo DiGA's is ${DEMO_TELEMATIK_ID})`,
      },
    ),
    ...repeated(
      [FIRST_KONNEKTOR],
      konnektors.map(({ id }) => id),
      { list: 'konnektors', member: 'id', message: `two Konnektors have one id (${FIRST_KONNEKTOR} is the first)` },
    ),
  ];
}
