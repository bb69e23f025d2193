// The differences of the vendors' Konnektors, in the order of docs/divergences.md: how each is seen, and at which products. Played by
// test/unit/connector-sim/konnektor/profiles.test.ts.
import { randomBytes } from 'node:crypto';
import { setPinStatus } from '../../connector-sim/konnektor/cards.ts';
import { addCard, removeCard } from '../../connector-sim/konnektor/inventory.ts';
import { addClientSystem, context, find, findText, type KonnektorBench } from '../support/konnektor-bench.ts';
import {
  cards,
  certificates,
  entry,
  locations,
  pinOf,
  refusal,
  sds,
  sign,
  smcb,
  toldOfRemoval,
  versionsOf,
} from '../support/konnektor-looks.ts';
import { messageOf } from '../support/konnektor-messages.ts';

export const VENDORS = ['secunet', 'rise', 'kocobox', 'highspeed'] as const;
export type Product = (typeof VENDORS)[number];

export type Difference = {
  /** As docs/divergences.md names it. */
  id: string;
  /** Under which products it is so; under each other one it is not. */
  of: readonly Product[];
  look: (bench: KonnektorBench) => Promise<unknown>;
  seen: unknown;
};

export const DIFFERENCES: readonly Difference[] = [
  {
    id: 'paths-ws',
    of: ['secunet', 'highspeed'],
    look: async (b) => (await locations(b)).includes('https /ws/EventService'),
    seen: true,
  },
  {
    id: 'paths-webservices',
    of: ['rise'],
    look: async (b) => (await locations(b)).includes('https /webservices/eventservice'),
    seen: true,
  },
  {
    id: 'paths-systeminformationservice',
    of: ['kocobox'],
    look: async (b) => (await locations(b)).includes('https /service/systeminformationservice'),
    seen: true,
  },
  {
    id: 'order-ascending',
    of: ['kocobox'],
    look: (b) => versionsOf(b, 'CardService'),
    seen: ['8.1.0', '8.1.1', '8.1.2'],
  },
  {
    id: 'signature-url-per-version',
    of: ['rise', 'kocobox'],
    look: async (b) =>
      (await locations(b)).filter((one) => /https .*sign(ature)?service/.test(one) && !/auth/.test(one)).length > 1,
    seen: true,
  },
  {
    id: 'encryption-service-listed',
    of: ['secunet', 'rise', 'kocobox'],
    look: async (b) => (await versionsOf(b, 'EncryptionService')).length > 0,
    seen: true,
  },
  {
    id: 'endpoint-beside-endpoint-tls',
    of: ['kocobox'],
    look: async (b) => (await locations(b)).some((one) => one.startsWith('http ')),
    seen: true,
  },
  {
    id: 'tls-not-mandatory',
    of: ['kocobox'],
    look: async (b) => /TLSMandatory>false</.test(await sds(b)),
    seen: true,
  },
  {
    id: 'card-service-8.2-beside-8.1',
    of: ['highspeed'],
    look: async (b) => [...(await versionsOf(b, 'CardService'))],
    seen: ['8.2.1', '8.1.2', '8.1.1', '8.1.0'],
  },
  {
    id: 'certificate-service-6.0.3',
    of: ['highspeed'],
    look: async (b) => (await versionsOf(b, 'CertificateService'))[0],
    seen: '6.0.3',
  },
  {
    id: 'product-type-6',
    of: ['highspeed'],
    look: async (b) => /ProductTypeVersion>6\./.test(await sds(b)),
    seen: true,
  },
  {
    id: 'strict-id-characters',
    of: ['rise'],
    look: async (b) =>
      (await b.call('GetCards', context().replace('</CCTX', '<CONN:UserId>Dr. Who</CONN:UserId></CCTX'))).code,
    seen: 4000,
  },
  {
    id: 'application-xml',
    of: ['rise'],
    look: async (b) =>
      (
        await b.raw(b.path('GetCards'), {
          headers: { 'content-type': 'application/xml' },
          body: b.envelope('GetCards', context()),
        })
      ).text.includes('GetCardsResponse'),
    seen: true,
  },
  { id: 'fault-with-http-200', of: ['rise'], look: async (b) => (await refusal(b)).status, seen: 200 },
  {
    id: 'default-namespaces',
    of: ['rise'],
    look: async (b) => (await cards(b)).text.includes('<GetCardsResponse xmlns="'),
    seen: true,
  },
  {
    id: 'numbered-prefixes',
    of: ['kocobox'],
    look: async (b) => /<S:Envelope .*<ns2:GetCardsResponse /.test((await cards(b)).text),
    seen: true,
  },
  {
    id: 'schema-location',
    of: ['highspeed'],
    look: async (b) => (await cards(b)).text.includes('xsi:schemaLocation="'),
    seen: true,
  },
  {
    id: 'byte-order-mark',
    of: ['kocobox'],
    look: async (b) =>
      Buffer.from(b.journal.entries({ service: 'konnektor' }).at(-1)?.response?.body ?? '', 'base64')
        .subarray(0, 3)
        .toString('hex'),
    seen: 'efbbbf',
  },
  {
    id: 'times-with-offset',
    of: ['rise', 'highspeed'],
    look: async (b) => /\+01:00$/.test(findText((await cards(b)).soap.body, 'InsertTime') ?? ''),
    seen: true,
  },
  {
    id: 'times-without-fraction',
    of: ['kocobox'],
    look: async (b) => /:\d\dZ$/.test(findText((await cards(b)).soap.body, 'InsertTime') ?? ''),
    seen: true,
  },
  {
    id: 'vendor-trace',
    of: ['rise', 'highspeed'],
    look: async (b) => {
      const traces = (await refusal(b)).soap.fault?.detail[0]?.children.filter((e) => e.name === 'Trace') ?? [];
      const [own] = traces.map((trace) => Number(findText(trace, 'Code')));
      return traces.length === 2 && (own ?? 0) >= 10_000 && (own ?? 0) < 41_000;
    },
    seen: true,
  },
  {
    id: 'unknown-context-4204',
    of: ['highspeed'],
    look: async (b) => (await b.call('GetCards', context('mX'))).code,
    seen: 4204,
  },
  { id: 'signature-raw', of: ['highspeed'], look: async (b) => (await sign(b, randomBytes(32))).length, seen: 64 },
  {
    id: 'without-crypt-is-ecc',
    of: ['rise', 'highspeed'],
    look: async (b) => find((await certificates(b)).soap.body, 'X509Certificate') !== undefined,
    seen: true,
  },
  {
    id: 'left-tries-not-told',
    of: ['highspeed'],
    look: async (b) => {
      setPinStatus(b.world.konnektor, smcb(b), 'VERIFIABLE');
      const answer = await b.call('GetPinStatus', pinOf(b));
      setPinStatus(b.world.konnektor, smcb(b), 'VERIFIED');
      return [findText(answer.soap.body, 'PinStatus'), findText(answer.soap.body, 'LeftTries')];
    },
    seen: ['VERIFIABLE', undefined],
  },
  {
    id: 'pin-state-per-call-context',
    of: ['kocobox'],
    look: async (b) => {
      addClientSystem(b.world.konnektor);
      setPinStatus(b.world.konnektor, smcb(b), 'VERIFIABLE');
      await b.call('VerifyPin', pinOf(b));
      const seen = async (clientSystem: string) =>
        findText((await b.call('GetPinStatus', pinOf(b, context('m1', clientSystem)))).soap.body, 'PinStatus');
      const both = [await seen('c1'), await seen('c2')];
      setPinStatus(b.world.konnektor, smcb(b), 'VERIFIED');
      return both;
    },
    seen: ['VERIFIED', 'VERIFIABLE'],
  },
  {
    id: 'hosted-card',
    of: ['highspeed'],
    look: async (b) => {
      const terminals = await b.call('GetCardTerminals', context());
      return [/CardType[^>]*>HSM-B</.test((await cards(b)).text), /IS_PHYSICAL[^>]*>false</.test(terminals.text)];
    },
    seen: [true, true],
  },
  {
    id: 'hosted-card-without-pin',
    of: ['highspeed'],
    look: async (b) => {
      const seed = { cardType: 'HSM-B', telematikId: '9-OTHER' } as const;
      const { world, pki } = b;
      const card = addCard(world.konnektor, seed, { pki, now: world.now(), random: world.random });
      const message = messageOf(b, 'GetPinStatus', { cardHandle: card.cardHandle ?? '' });
      const answer = await b.call('GetPinStatus', message);
      removeCard(world.konnektor, card);
      return findText(answer.soap.body, 'PinStatus');
    },
    seen: 'VERIFIED',
  },
  {
    id: 'topics-in-mixed-letters',
    of: ['kocobox'],
    look: async (b) => /Topic>Card\/Removed</.test(await toldOfRemoval(b)),
    seen: true,
  },
  {
    id: 'type-of-a-removed-card',
    of: ['rise'],
    look: async (b) => /Key>Type</.test(await toldOfRemoval(b)),
    seen: true,
  },
  {
    id: 'blocked-as-fault',
    of: ['kocobox'],
    look: (b) => entry(b, (card) => setPinStatus(b.world.konnektor, card, 'BLOCKED')),
    seen: 4063,
  },
  {
    id: 'time-out-as-fault',
    of: ['rise'],
    look: (b) =>
      entry(b, (card) => {
        setPinStatus(b.world.konnektor, card, 'VERIFIABLE');
        card.enteredPin = 'timeout';
      }),
    seen: 4043,
  },
];
