// The Konnektor's part of the conformance run: every operation of the gateway, used well and badly, under every vendor's profile and
// with CardService 8.2 alone, and the events of what happens meanwhile.
import { randomBytes } from 'node:crypto';
import { KONNEKTOR_VENDORS } from '../../connector-sim/tables/konnektor-profiles.ts';
import type { Settings } from '../../gateway/config.ts';
import { createEgress } from '../../gateway/egress.ts';
import { externalAuthenticate } from '../../gateway/konnektor/auth-signature-service.ts';
import { changePin, getPinStatus, unblockPin, verifyPin } from '../../gateway/konnektor/card-service.ts';
import { ejectCard, requestCard } from '../../gateway/konnektor/card-terminal-service.ts';
import {
  checkCertificateExpiration,
  readCardCertificates,
  verifyCertificate,
} from '../../gateway/konnektor/certificate-service.ts';
import {
  type Card,
  getCards,
  getCardTerminals,
  getResourceInformation,
} from '../../gateway/konnektor/event-service.ts';
import {
  getSubscriptions,
  renewSubscriptions,
  subscribe,
  unsubscribe,
} from '../../gateway/konnektor/event-subscriptions.ts';
import { KonnektorClient } from '../../gateway/konnektor/soap-client.ts';
import { konnektorWay } from '../../gateway/konnektor-access.ts';
import type { TestWorld } from '../support/world.ts';

/** Nobody listens there: a frame is written all the same, and stands in the journal. */
const EVENT_TO = 'cetp://127.0.0.1:9';

const ROUNDS: readonly object[] = [
  {},
  ...KONNEKTOR_VENDORS.map((profile) => ({ profile })),
  { profile: 'highspeed', manners: { cardService: '8.2' } },
];

export async function konnektorStory(world: TestWorld, settings: () => Settings): Promise<void> {
  for (const round of ROUNDS) {
    await world.control('PATCH', '/sim/konnektors/k1', round);
    await everyOperation(world, settings());
  }
}

async function everyOperation(world: TestWorld, settings: Settings): Promise<void> {
  const access = settings.konnektors[0];
  if (access === undefined) throw new Error('no Konnektor in the settings');
  const { way } = konnektorWay(access, Date.now());
  if (way === undefined) throw new Error('the Konnektor of the settings cannot be reached as they say');
  const egress = createEgress({ environment: 'SIM', purposes: { konnektor: [way.target] } });
  try {
    const client = new KonnektorClient({ access, egress });
    const smcb = await looks(client);
    const { cardHandle: handle } = smcb;
    await entries(world, client, smcb);
    await subscriptions(client);
    await certificates(client, handle);
    await externalAuthenticate(client, handle, randomBytes(32));
    for (const context of [{ mandant: 'nobody' }, { clientSystem: 'nobody' }, { workplace: 'nobody' }]) {
      const other = new KonnektorClient({ access: { ...access, ...context }, egress });
      await getCards(other, { mandantWide: false }).catch(refused);
    }
    await getPinStatus(client, 'no-such-handle').catch(refused);
    for (const code of [4001, 4032, 4085, 4093, 4101]) {
      const fault = { at: 'konnektor.GetPinStatus', kind: 'soap-fault', times: 1, params: { code } };
      await world.control('POST', '/sim/faults', fault);
      await getPinStatus(client, handle).catch(refused);
    }
    await cardMoves(world, client, smcb);
  } finally {
    await egress.close();
  }
}

async function looks(client: KonnektorClient): Promise<Card> {
  await getCardTerminals(client, false);
  await getCardTerminals(client, true);
  const smcb = (await getCards(client, { mandantWide: true })).find((one) => one.cardType === 'SMC-B');
  if (smcb === undefined) throw new Error('no SMC-B in the world');
  const { ctId, slotId, iccsn, cardHandle } = smcb;
  await getCards(client, { mandantWide: false, ctId, slotId, cardType: 'SM-B' });
  for (const asked of [{}, { ctId }, { iccsn }, { cardHandle }]) await getResourceInformation(client, asked);
  return smcb;
}

async function entries(world: TestWorld, client: KonnektorClient, { cardHandle, iccsn }: Card): Promise<void> {
  const card = `/sim/cards/${iccsn}`;
  for (const enteredPin of ['right', 'wrong', 'cancel', 'timeout', 'right']) {
    await world.control('PATCH', card, { pinStatus: 'VERIFIABLE', enteredPin });
    await verifyPin(client, cardHandle).catch(refused);
    await changePin(client, cardHandle).catch(refused);
  }
  for (const enteredPin of ['wrong', 'cancel', 'right']) {
    await world.control('PATCH', card, { pinStatus: 'BLOCKED', enteredPin });
    await verifyPin(client, cardHandle).catch(refused);
    await unblockPin(client, cardHandle, { setNewPin: enteredPin === 'right' }).catch(refused);
  }
  for (const pinStatus of ['VERIFIABLE', 'BLOCKED', 'TRANSPORT_PIN', 'EMPTY_PIN', 'VERIFIED']) {
    await world.control('PATCH', card, { pinStatus });
    await getPinStatus(client, cardHandle);
  }
}

async function subscriptions(client: KonnektorClient): Promise<void> {
  const { subscriptionId } = await subscribe(client, { eventTo: EVENT_TO, topic: 'CARD', filter: '/Event' });
  for (const mandantWide of [false, true]) await getSubscriptions(client, { mandantWide });
  await renewSubscriptions(client, [subscriptionId]);
  await unsubscribe(client, { subscriptionId });
  await unsubscribe(client, { subscriptionId }).catch(refused);
}

async function certificates(client: KonnektorClient, handle: string): Promise<void> {
  const read = await readCardCertificates(client, handle, ['C.AUT', 'C.ENC', 'C.SIG']);
  await checkCertificateExpiration(client, handle);
  await checkCertificateExpiration(client);
  const aut = read.get('C.AUT') ?? new Uint8Array();
  await verifyCertificate(client, aut);
  await verifyCertificate(client, aut, new Date('2050-01-01T00:00:00Z'));
  await readCardCertificates(client, 'no-such-handle', ['C.AUT']).catch(refused);
}

/** Taken out and put back, with a subscription that hears of it. */
async function cardMoves(world: TestWorld, client: KonnektorClient, smcb: Card): Promise<void> {
  const { ctId, slotId, cardHandle, iccsn } = smcb;
  await subscribe(client, { eventTo: EVENT_TO, topic: 'CARD' });
  await requestCard(client, { ctId, slotId, cardType: 'SM-B', displayMessage: 'Bitte stecken', timeoutSeconds: 1 });
  await requestCard(client, { ctId, slotId: 3, timeoutSeconds: 0 }).catch(refused);
  await ejectCard(client, { cardHandle }, { displayMessage: 'Bitte entnehmen', timeoutMs: 1 }).catch(refused);
  await ejectCard(client, { ctId, slotId: 3 }).catch(refused);
  for (const inserted of [false, true]) await world.control('PATCH', `/sim/cards/${iccsn}`, { inserted });
  await world.control('PATCH', `/sim/cards/${iccsn}`, { pinStatus: 'VERIFIED' });
  await unsubscribe(client, { eventTo: EVENT_TO }).catch(refused);
}

/** A refusal is what these calls are made for; the journal holds it. */
function refused(): void {}
