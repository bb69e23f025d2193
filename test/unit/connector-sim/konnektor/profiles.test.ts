// Each difference of a vendor's Konnektor (tables/konnektor-profiles.ts, docs/divergences.md): seen under its own profile, and the
// same look fails under another. Whatever the profile, the same client gets the same meaning.
import { createPublicKey, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setInserted, setPinStatus } from '../../../../connector-sim/konnektor/cards.ts';
import { addCard, removeCard } from '../../../../connector-sim/konnektor/inventory.ts';
import type { SimCard } from '../../../../connector-sim/konnektor/model.ts';
import type { KonnektorVendor } from '../../../../connector-sim/tables/konnektor-profiles.ts';
import { verifyDigest } from '../../../../wire/ecdsa-verify.ts';
import { ecdsaToRaw } from '../../../../wire/jose.ts';
import {
  addClientSystem,
  context,
  find,
  findText,
  type KonnektorBench,
  startKonnektorBench,
} from '../../../support/konnektor-bench.ts';
import { messageOf } from '../../../support/konnektor-messages.ts';

const VENDORS = ['secunet', 'rise', 'kocobox', 'highspeed'] as const;
type Product = (typeof VENDORS)[number];

const benches = new Map<string, KonnektorBench>();
const benchOf = (vendor: KonnektorVendor): KonnektorBench => {
  const found = benches.get(vendor);
  if (found === undefined) throw new Error(`no bench of ${vendor}`);
  return found;
};
beforeAll(async () => {
  for (const vendor of VENDORS) benches.set(vendor, await startKonnektorBench({ vendor }));
});
afterAll(async () => {
  for (const bench of benches.values()) await bench.stop();
});

const sds = async (bench: KonnektorBench) => (await bench.raw('/connector.sds', { method: 'GET' })).text;
const locations = async (bench: KonnektorBench) =>
  [...(await sds(bench)).matchAll(/(?:TLS|Endpoint) Location="(https?):\/\/[^/]+(\/[^"]*)"/g)].map(
    (m) => `${m[1]} ${m[2]}`,
  );
const versionsOf = async (bench: KonnektorBench, service: string) => {
  const block = new RegExp(`Service Name="${service}".*?Service>`, 's').exec(await sds(bench))?.[0] ?? '';
  return [...block.matchAll(/ Version="([^"]+)"/g)].map((m) => m[1]);
};
const handle = (bench: KonnektorBench) => `<CONN:CardHandle>${bench.cardHandle()}</CONN:CardHandle>`;
const pin = (bench: KonnektorBench) => `${context()}${handle(bench)}<CARDCMN:PinTyp>PIN.SMC</CARDCMN:PinTyp>`;
/** An SMC-B whose PIN a person can type: at a Konnektor with hosted keys one that is plugged for this. */
const smcb = (bench: KonnektorBench): SimCard => {
  const { world, pki } = bench;
  const found = [...world.konnektor.cards.values()].find((card) => card.cardType === 'SMC-B');
  const seed = { cardType: 'SMC-B', telematikId: '9-OTHER', pinStatus: 'VERIFIED' } as const;
  return found ?? addCard(world.konnektor, seed, { pki, now: world.now(), random: world.random });
};
const pinOf = (bench: KonnektorBench, ctx = context()) =>
  `${ctx}<CONN:CardHandle>${smcb(bench).cardHandle}</CONN:CardHandle><CARDCMN:PinTyp>PIN.SMC</CARDCMN:PinTyp>`;
/** What a sink is told when a card is pulled; nobody listens there, which this does not mind. */
async function toldOfRemoval(bench: KonnektorBench): Promise<string> {
  await bench.call('Subscribe', messageOf(bench, 'Subscribe'));
  const card = smcb(bench);
  setInserted(bench.world.konnektor, card, false, bench.world.now());
  await bench.cetp.idle();
  setInserted(bench.world.konnektor, card, true, bench.world.now());
  setPinStatus(bench.world.konnektor, card, 'VERIFIED');
  await bench.cetp.idle();
  return bench.sent.find((one) => /removed/i.test(one.message))?.message ?? '';
}
const cards = (bench: KonnektorBench) => bench.call('GetCards', context());
const refusal = (bench: KonnektorBench) =>
  bench.call('GetPinStatus', pin(bench).replace(/<CONN:CardHandle>.*?</, '<CONN:CardHandle>x<'));
const certificates = (bench: KonnektorBench) =>
  bench.call(
    'ReadCardCertificate',
    `${handle(bench)}${context()}<CERT:CertRefList><CERT:CertRef>C.AUT</CERT:CertRef></CERT:CertRefList>`,
  );
const sign = async (bench: KonnektorBench, hash: Uint8Array) => {
  const answer = await bench.call(
    'ExternalAuthenticate',
    `${handle(bench)}${context()}<SIG:OptionalInputs><dss:SignatureType>urn:bsi:tr:03111:ecdsa</dss:SignatureType></SIG:OptionalInputs>` +
      `<SIG:BinaryString><dss:Base64Data MimeType="application/octet-stream">${Buffer.from(hash).toString('base64')}</dss:Base64Data></SIG:BinaryString>`,
  );
  return Buffer.from(findText(answer.soap.body, 'Base64Signature') ?? '', 'base64');
};
/** A PIN entry under a state of the card, and how it ended: code of a fault, or PinResult. */
async function entry(bench: KonnektorBench, prepare: (card: ReturnType<typeof smcb>) => void) {
  const card = smcb(bench);
  prepare(card);
  const answer = await bench.call('VerifyPin', pinOf(bench));
  card.enteredPin = 'right';
  setPinStatus(bench.world.konnektor, card, 'VERIFIED');
  return answer.code ?? findText(answer.soap.body, 'PinResult');
}

type Difference = {
  /** As docs/divergences.md names it. */
  id: string;
  /** Under which products it is so; under each other one it is not. */
  of: readonly Product[];
  look: (bench: KonnektorBench) => Promise<unknown>;
  seen: unknown;
};

const DIFFERENCES: readonly Difference[] = [
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

test('at least six differences lie between any other product and secunet', () => {
  for (const vendor of VENDORS.filter((one) => one !== 'secunet')) {
    const differs = DIFFERENCES.filter((one) => one.of.includes(vendor) !== one.of.includes('secunet'));
    expect(differs.length, vendor).toBeGreaterThanOrEqual(6);
  }
});

test('docs/divergences.md lists each of them with its source, and no other', () => {
  const text = readFileSync(new URL('../../../../docs/divergences.md', import.meta.url), 'utf8');
  const section = /## The Konnektors of the vendors.*?(?=\n## |$)/s.exec(text)?.[0] ?? '';
  const rows = [...section.matchAll(/^\| `([^`]+)` \|[^|]+\|[^|]+\|[^|]+\|$/gm)].map((m) => m[1]);
  expect(rows).toEqual(DIFFERENCES.map((one) => one.id));
});

describe.each(DIFFERENCES)('$id', ({ of, look, seen }) => {
  test.each(VENDORS.map((vendor) => [vendor, of.includes(vendor)] as const))('under %s: %s', async (vendor, own) => {
    const found = await look(benchOf(vendor));
    if (own) expect(found).toEqual(seen);
    else expect(found).not.toEqual(seen);
  });
});

describe('whatever the vendor', () => {
  test.each(VENDORS)('%s signs with the key of the card', async (vendor) => {
    const hash = randomBytes(32);
    const signature = await sign(benchOf(vendor), hash);
    const raw = signature.length === 64 ? signature : ecdsaToRaw(signature);
    const { world, pki } = benchOf(vendor);
    const key = world.konnektor.cards.get(pki.smcb.iccsn)?.certificates.get('C.AUT')?.privateKey;
    if (key === undefined) throw new Error('no key');
    expect(raw).toHaveLength(64);
    // the hash is signed as it stands, without a further digest
    expect(verifyDigest(hash, raw, createPublicKey(key))).toBe(true);
  });

  test.each(VENDORS)('%s: gematik’s code stands last in a fault', async (vendor) => {
    expect((await refusal(benchOf(vendor))).code).toBe(4101);
  });

  test('a manner set on one Konnektor wins over its vendor’s, and is gone without it', async () => {
    const bench = benchOf('secunet');
    bench.world.konnektor.manners = { faultStatus: 200, namespaces: 'default' };
    expect((await refusal(bench)).status).toBe(200);
    bench.world.konnektor.manners = {};
    expect((await refusal(bench)).status).toBe(500);
  });
});

describe('CardService 8.2 beside 8.1', () => {
  const NS82 = 'http://ws.gematik.de/conn/CardService/v8.2';
  const ask = (o: { path?: string; ns?: string; action?: string } = {}) => {
    const bench = benchOf('highspeed');
    const body = bench.envelope('GetPinStatus', pin(bench));
    return bench.raw(o.path ?? '/ws/CardService/v8.2', {
      headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: `"${o.action ?? NS82}#GetPinStatus"` },
      body: body.replace('http://ws.gematik.de/conn/CardService/v8.1', o.ns ?? NS82),
    });
  };

  test('answers in its own namespace', async () => {
    const { status, text } = await ask();
    expect(status).toBe(200);
    expect(text).toContain(`="${NS82}"`);
    expect(text).not.toContain('CardService/v8.1"');
    expect(text).toContain('VERIFIED');
  });

  test.each([
    ['a body of 8.1', { ns: 'http://ws.gematik.de/conn/CardService/v8.1' }],
    ['the SOAPAction of 8.1', { action: 'http://ws.gematik.de/conn/CardService/v8.1' }],
    ['a body of 8.2 at the path of 8.1', { path: '/ws/CardService' }],
  ])('refuses %s', async (_what, o) => {
    const { status, text } = await ask(o);
    expect([status, /Code[^>]*>4000</.test(text)]).toEqual([500, true]);
  });

  test('is not at any other vendor’s', async () => {
    const bench = benchOf('secunet');
    expect((await bench.raw('/ws/CardService/v8.2', { body: '' })).status).toBe(404);
  });
});
