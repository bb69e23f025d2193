// Control calls about Konnektors (api.md section 4): several in one world, each switched off, on, restarted, of another vendor.
import { z } from 'zod';
import { jsonAnswer } from '../http-server.ts';
import { CONTEXT, FIRST_KONNEKTOR } from '../konnektor/default-konnektor.ts';
import type { KonnektorListeners } from '../konnektor/konnektor-listeners.ts';
import { mannersOf } from '../konnektor/manners.ts';
import type { KonnektorState } from '../konnektor/model.ts';
import { applyModel, type ModelSeed, modelFindings, modelMembers, modelView } from '../konnektor/model-seed.ts';
import { liveSubscriptions, type Subscription } from '../konnektor/subscriptions.ts';
import {
  changedTransport,
  DEFAULT_TRANSPORT,
  type Transport,
  type TransportChange,
  transportSchema,
} from '../konnektor/transport.ts';
import { acceptMeant, type Finding, type Readable, Refusal, refusalOf } from '../refusal.ts';
import { konnektorSeedSchema, konnektorVendorSchema } from '../scenario.ts';
import type { KonnektorManners } from '../tables/konnektor-profiles.ts';
import type { World } from '../world.ts';
import type { ControlDeps, ControlRoute } from './route.ts';

const mannersSchema = z.strictObject({
  namespaces: z.enum(['gematik', 'numbered', 'default']).optional(),
  schemaLocation: z.boolean().optional(),
  byteOrderMark: z.boolean().optional(),
  timestamps: z.enum(['milliseconds', 'seconds', 'offset']).optional(),
  faultStatus: z.literal([200, 500]).optional(),
  vendorTrace: z.int().min(10_000).max(40_999).nullish(),
  unknownContext: z.literal(['own-code', 4204]).optional(),
  signatureFormat: z.enum(['der', 'raw']).optional(),
  defaultCrypt: z.enum(['RSA', 'ECC']).optional(),
  pinSession: z.enum(['mandant', 'call-context']).optional(),
  leftTries: z.boolean().optional(),
  hsmPinStatus: z.union([z.enum(['VERIFIED', 'DISABLED']), z.literal([4072, 4209])]).optional(),
  topicSpelling: z.enum(['capitals', 'mixed']).optional(),
  removedTypeKey: z.enum(['CardType', 'Type']).optional(),
  cardService: z.enum(['8.1', 'both', '8.2']).optional(),
  pinRefusedAs: z.enum(['result', 'fault']).optional(),
  pinInterruptedAs: z.enum(['warning', 'fault']).optional(),
});
/** What stands in its certificates: another value means other certificates. */
const TLS_MEMBERS = ['certificates', 'serverName', 'issuer'] as const;
const addedSchema = konnektorSeedSchema
  .partial({ id: true })
  .extend({ manners: mannersSchema.optional(), transport: transportSchema.optional() });
const changeSchema = z.strictObject({
  running: z.boolean().optional(),
  restart: z.literal(true).optional(),
  profile: konnektorVendorSchema.optional(),
  manners: mannersSchema.optional(),
  transport: transportSchema.optional(),
  /** New keys and certificates, of the same CA unless `transport.issuer` says other. */
  renewCertificate: z.literal(true).optional(),
  hanging: z.boolean().optional(),
  /** How its events travel. */
  cetp: z.enum(['tls', 'tcp']).optional(),
  ...modelMembers,
});

export function konnektorView(
  konnektor: KonnektorState,
  o: { world: World; listeners: KonnektorListeners | undefined },
): Record<string, unknown> {
  const { id, vendor, cards, terminals } = konnektor;
  return {
    id,
    url: o.listeners?.url(id) ?? '',
    running: o.listeners?.isRunning(id) ?? false,
    hanging: o.listeners?.isHanging(id) ?? false,
    profile: vendor ?? o.world.choices.konnektorVendor,
    manners: mannersOf({ konnektor, world: o.world }),
    cetp: konnektor.cetp,
    ...modelView(konnektor),
    subscriptions: liveSubscriptions(konnektor, o.world.now()).map(subscriptionView),
    terminals: [...terminals.keys()],
    cards: [...cards.keys()],
  };
}

const subscriptionView = ({ id, eventTo, topic, filter, endsAt, failures }: Subscription) => ({
  id,
  eventTo,
  topic,
  filter: filter?.source ?? null,
  terminationTime: new Date(endsAt).toISOString(),
  failures,
});

export function konnektorRoutes({ parts, journal, settings, konnektors }: ControlDeps): ControlRoute[] {
  const { world } = parts;
  const found = (id: string | undefined): KonnektorState => {
    const konnektor = world.konnektors.get(id ?? '');
    if (konnektor === undefined) throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'no such Konnektor' });
    return konnektor;
  };
  /** With `access`: what a gateway's configuration says below `konnektors`. */
  const view = (konnektor: KonnektorState) => ({
    ...konnektorView(konnektor, { world, listeners: konnektors }),
    startedAt: new Date(konnektor.startedAt).toISOString(),
    transport: konnektor.transport,
    tlsRoot: konnektors?.identity(konnektor.id)?.root.certPem ?? null,
    ...(konnektor.transport.authentication === 'basic' && { credentials: konnektor.credentials }),
    access: settings().konnektors.find((one) => one.id === konnektor.id) ?? null,
    operations: journal.seenByKonnektor(konnektor.id),
  });
  return [
    { method: 'GET', path: '/sim/konnektors', run: () => jsonAnswer(200, [...world.konnektors.values()].map(view)) },
    {
      method: 'POST',
      path: '/sim/konnektors',
      async run({ body }) {
        const taken = { pointer: '/id', code: 'taken', message: 'there is a Konnektor of that id' };
        const {
          id = freeId(world),
          manners,
          transport,
          ...seed
        } = acceptMeant(
          addedSchema,
          body(),
          (readable) => [
            ...(world.konnektors.has(readable.id ?? '') ? [taken] : []),
            ...transportFindings(DEFAULT_TRANSPORT, readable.transport),
            ...boundFindings({ boundTo: null, clientSystems: [CONTEXT.clientSystem] }, readable),
          ],
          (findings) =>
            findings.every((one) => one === taken)
              ? new Refusal({ status: 409, code: 'KONNEKTOR_EXISTS', message: taken.message, findings })
              : refusalOf(findings),
        );
        const added = world.addKonnektor({ id, ...seed });
        added.manners = present(manners);
        if (transport !== undefined) added.transport = changedTransport(added.transport, transport);
        await konnektors?.follow();
        return jsonAnswer(201, view(added));
      },
    },
    {
      method: 'PATCH',
      path: '/sim/konnektors/{id}',
      async run({ params, body }) {
        const konnektor = found(params.id);
        const change = acceptMeant(changeSchema, body(), (readable) => [
          ...(readable.running !== undefined && readable.restart === true
            ? [{ pointer: '/restart', code: 'contradiction', message: 'either running or restart' }]
            : []),
          ...modelFindings(konnektor, modelOf(readable)),
          ...boundFindings(
            { boundTo: konnektor.transport.boundTo, clientSystems: [...konnektor.model.clientSystems.keys()] },
            readable,
          ),
          ...transportFindings(konnektor.transport, readable.transport),
        ]);
        const { running, restart, profile, manners, transport, renewCertificate, hanging, cetp } = change;
        applyModel(konnektor, modelOf(change));
        if (profile !== undefined) konnektor.vendor = profile;
        if (manners !== undefined) konnektor.manners = present(manners);
        if (transport !== undefined) konnektor.transport = changedTransport(konnektor.transport, transport);
        const renew = renewCertificate === true || TLS_MEMBERS.some((member) => transport?.[member] !== undefined);
        if (transport !== undefined || renew) await konnektors?.apply(konnektor.id, { renew });
        if (cetp !== undefined) konnektor.cetp = cetp;
        if (running === false) await konnektors?.switchOff(konnektor.id);
        if (running === true) await konnektors?.switchOn(konnektor.id);
        if (restart === true) await konnektors?.restart(konnektor.id);
        if (hanging !== undefined) konnektors?.setHanging(konnektor.id, hanging);
        return jsonAnswer(200, view(konnektor));
      },
    },
    {
      method: 'DELETE',
      path: '/sim/konnektors/{id}',
      async run({ params }) {
        const { id } = found(params.id);
        if (id === FIRST_KONNEKTOR)
          throw new Refusal({ status: 409, code: 'KONNEKTOR_FIRST', message: 'the first Konnektor stays' });
        world.konnektors.delete(id);
        await konnektors?.follow();
        return { status: 204, headers: [], body: '' };
      },
    },
  ];
}

function transportFindings(before: Transport, change: TransportChange | undefined): Finding[] {
  try {
    changedTransport(before, change ?? {});
    return [];
  } catch (error) {
    if (error instanceof Refusal) return error.findings;
    throw error;
  }
}

const modelOf = ({ mandants, clientSystems, workplaces }: ModelSeed): ModelSeed => ({
  mandants,
  clientSystems,
  workplaces,
});

/** Client certificate and user are bound to a ClientSystem that is there, or to none. */
function boundFindings(
  now: { boundTo: string | null; clientSystems: readonly string[] },
  { transport, clientSystems }: Readable<Pick<z.infer<typeof changeSchema>, 'transport' | 'clientSystems'>>,
): Finding[] {
  const { boundTo = now.boundTo } = transport ?? {};
  const known = clientSystems?.map((one) => one.id) ?? now.clientSystems;
  if (boundTo === null || known.includes(boundTo)) return [];
  const pointer = transport?.boundTo === undefined ? '/clientSystems' : '/transport/boundTo';
  return [{ pointer, code: 'unknown', message: `clients are bound to ${boundTo}, which is not there` }];
}

/** What stands there: an absent member is the vendor's. */
function present(manners: z.infer<typeof mannersSchema> = {}): Partial<KonnektorManners> {
  return Object.fromEntries(Object.entries(manners).filter(([, value]) => value !== undefined));
}

function freeId(world: World): string {
  let n = world.konnektors.size + 1;
  while (world.konnektors.has(`k${n}`)) n += 1;
  return `k${n}`;
}
