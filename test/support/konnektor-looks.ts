// What a client sees of a simulated Konnektor in which the vendors differ: its directory, cards, PINs, faults, signatures, events.
import { setInserted, setPinStatus } from '../../connector-sim/konnektor/cards.ts';
import { addCard } from '../../connector-sim/konnektor/inventory.ts';
import type { SimCard } from '../../connector-sim/konnektor/model.ts';
import { context, findText, type KonnektorBench } from './konnektor-bench.ts';
import { messageOf } from './konnektor-messages.ts';

export const sds = async (bench: KonnektorBench) => (await bench.raw('/connector.sds', { method: 'GET' })).text;
export const locations = async (bench: KonnektorBench) =>
  [...(await sds(bench)).matchAll(/(?:TLS|Endpoint) Location="(https?):\/\/[^/]+(\/[^"]*)"/g)].map(
    (m) => `${m[1]} ${m[2]}`,
  );
export const versionsOf = async (bench: KonnektorBench, service: string) => {
  const block = new RegExp(`Service Name="${service}".*?Service>`, 's').exec(await sds(bench))?.[0] ?? '';
  return [...block.matchAll(/ Version="([^"]+)"/g)].map((m) => m[1]);
};
const handle = (bench: KonnektorBench) => `<CONN:CardHandle>${bench.cardHandle()}</CONN:CardHandle>`;
export const pin = (bench: KonnektorBench) => `${context()}${handle(bench)}<CARDCMN:PinTyp>PIN.SMC</CARDCMN:PinTyp>`;
/** An SMC-B whose PIN a person can type: at a Konnektor with hosted keys one that is plugged for this. */
export const smcb = (bench: KonnektorBench): SimCard => {
  const { world, pki } = bench;
  const found = [...world.konnektor.cards.values()].find((card) => card.cardType === 'SMC-B');
  const seed = { cardType: 'SMC-B', telematikId: '9-OTHER', pinStatus: 'VERIFIED' } as const;
  return found ?? addCard(world.konnektor, seed, { pki, now: world.now(), random: world.random });
};
export const pinOf = (bench: KonnektorBench, ctx = context()) =>
  `${ctx}<CONN:CardHandle>${smcb(bench).cardHandle}</CONN:CardHandle><CARDCMN:PinTyp>PIN.SMC</CARDCMN:PinTyp>`;
/** What a sink is told when a card is pulled; nobody listens there, which this does not mind. */
export async function toldOfRemoval(bench: KonnektorBench): Promise<string> {
  await bench.call('Subscribe', messageOf(bench, 'Subscribe'));
  const card = smcb(bench);
  setInserted(bench.world.konnektor, card, false, bench.world.now());
  await bench.cetp.idle();
  setInserted(bench.world.konnektor, card, true, bench.world.now());
  setPinStatus(bench.world.konnektor, card, 'VERIFIED');
  await bench.cetp.idle();
  return bench.sent.find((one) => /removed/i.test(one.message))?.message ?? '';
}
export const cards = (bench: KonnektorBench) => bench.call('GetCards', context());
export const refusal = (bench: KonnektorBench) =>
  bench.call('GetPinStatus', pin(bench).replace(/<CONN:CardHandle>.*?</, '<CONN:CardHandle>x<'));
export const certificates = (bench: KonnektorBench) =>
  bench.call(
    'ReadCardCertificate',
    `${handle(bench)}${context()}<CERT:CertRefList><CERT:CertRef>C.AUT</CERT:CertRef></CERT:CertRefList>`,
  );
export const sign = async (bench: KonnektorBench, hash: Uint8Array) => {
  const answer = await bench.call(
    'ExternalAuthenticate',
    `${handle(bench)}${context()}<SIG:OptionalInputs><dss:SignatureType>urn:bsi:tr:03111:ecdsa</dss:SignatureType></SIG:OptionalInputs>` +
      `<SIG:BinaryString><dss:Base64Data MimeType="application/octet-stream">${Buffer.from(hash).toString('base64')}</dss:Base64Data></SIG:BinaryString>`,
  );
  return Buffer.from(findText(answer.soap.body, 'Base64Signature') ?? '', 'base64');
};
/** A PIN entry under a state of the card, and how it ended: code of a fault, or PinResult. */
export async function entry(bench: KonnektorBench, prepare: (card: ReturnType<typeof smcb>) => void) {
  const card = smcb(bench);
  prepare(card);
  const answer = await bench.call('VerifyPin', pinOf(bench));
  card.enteredPin = 'right';
  setPinStatus(bench.world.konnektor, card, 'VERIFIED');
  return answer.code ?? findText(answer.soap.body, 'PinResult');
}
