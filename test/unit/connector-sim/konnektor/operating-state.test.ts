// How a simulated Konnektor itself is (TAB_KON_503, konnektor.md 2.1, 5): what its health probe says, who is told, and what it
// refuses in a critical state.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { restartKonnektor, setConnected } from '../../../../connector-sim/konnektor/cards.ts';
import { setCondition } from '../../../../connector-sim/konnektor/operating-state.ts';
import { CONDITIONS } from '../../../../connector-sim/tables/operating-states.ts';
import { openCetpSink } from '../../../support/cetp-sink.ts';
import {
  BENCH_OPERATIONS,
  context,
  find,
  findText,
  type KonnektorBench,
  startKonnektorBench,
} from '../../../support/konnektor-bench.ts';
import { messageOf, subscriptionOf } from '../../../support/konnektor-messages.ts';

let bench: KonnektorBench;
beforeEach(async () => {
  bench = await startKonnektorBench();
});
afterEach(() => bench.stop());

const set = (name: string, holds: boolean) =>
  setCondition(bench.world.konnektor, name, { holds, now: bench.world.now() });
const probe = async () => {
  const { soap } = await bench.call('GetResourceInformation', context());
  const states = find(soap.body, 'OperatingState')?.children ?? [];
  const vpn = findText(find(soap.body, 'VPNTIStatus'), 'ConnectionStatus');
  const held = states.filter((s) => findText(s, 'Value') === 'true').map((s) => findText(s, 'ErrorCondition'));
  return { vpn, held };
};

test('the health probe names what holds, and the VPN is online without it', async () => {
  expect(await probe()).toEqual({ vpn: 'Online', held: [] });
  for (const name of Object.keys(CONDITIONS)) set(name, true);
  expect((await probe()).held.sort()).toEqual(Object.keys(CONDITIONS).sort());
  expect((await probe()).vpn).toBe('Offline');
  for (const name of Object.keys(CONDITIONS)) set(name, false);
  expect(await probe()).toEqual({ vpn: 'Online', held: [] });
});

test('since when a terminal is not there, or is there again, is the moment it changed', async () => {
  const konnektor = bench.world.konnektor;
  const [terminal] = konnektor.terminals.values();
  if (terminal === undefined) throw new Error('no terminal');
  const since = async () => {
    const { soap } = await bench.call('GetResourceInformation', context());
    const states = find(soap.body, 'OperatingState')?.children ?? [];
    const one = states.find((s) => findText(s, 'ErrorCondition')?.includes(terminal.ctId) === true);
    return [findText(one, 'Value'), Date.parse(findText(one, 'ValidFrom') ?? '')];
  };
  const start = konnektor.startedAt;
  expect(await since()).toEqual(['false', start]);
  setConnected(konnektor, terminal, true, start + 1000);
  expect(await since()).toEqual(['false', start]);
  setConnected(konnektor, terminal, false, start + 2000);
  expect(await since()).toEqual(['true', start + 2000]);
  setConnected(konnektor, terminal, true, start + 3000);
  expect(await since()).toEqual(['false', start + 3000]);
  restartKonnektor(konnektor, start + 4000);
  expect(await since()).toEqual(['false', start + 4000]);
});

const fatal = Object.keys(CONDITIONS).filter((name) => CONDITIONS[name]?.severity === 'Fatal');

test.each(fatal)('%s: every operation but those of EventService is 4002', async (name) => {
  set(name, true);
  const codes = await Promise.all(
    BENCH_OPERATIONS.map(async (one) => [one, (await bench.call(one, messageOf(bench, one))).code] as const),
  );
  const refused = codes.filter(([, code]) => code === 4002).map(([one]) => one);
  const asking = ['GetCards', 'GetCardTerminals', 'GetResourceInformation', 'Subscribe', 'RenewSubscriptions'];
  expect(refused).toEqual(
    BENCH_OPERATIONS.filter((one) => ![...asking, 'Unsubscribe', 'GetSubscription'].includes(one)),
  );
  set(name, false);
  expect((await bench.call('GetPinStatus', messageOf(bench, 'GetPinStatus'))).code).toBeNull();
});

test('a condition that is not fatal stops nothing', async () => {
  for (const name of Object.keys(CONDITIONS).filter((one) => !fatal.includes(one))) set(name, true);
  expect((await bench.call('ExternalAuthenticate', messageOf(bench, 'ExternalAuthenticate'))).code).toBeNull();
});

test('without a VPN no certificate’s status is known', async () => {
  set('EC_No_VPN_TI_Connection', true);
  const { soap } = await bench.call('VerifyCertificate', messageOf(bench, 'VerifyCertificate'));
  expect([findText(soap.body, 'VerificationResult'), findText(soap.body, 'Code')]).toEqual(['INCONCLUSIVE', '1032']);
});

test('it is told when a condition comes and goes, once each, and of the VPN by name', async () => {
  bench.world.konnektor.cetp = 'tcp';
  bench.world.choices.topicSpelling = 'capitals';
  const sink = await openCetpSink();
  for (const topic of ['OPERATIONAL_STATE', 'NETWORK/VPN_TI'])
    await bench.call('Subscribe', `${context()}${subscriptionOf(sink.eventTo, topic)}`);
  for (const holds of [true, true, false, false]) set('EC_No_VPN_TI_Connection', holds);
  set('EC_CRL_Out_Of_Date', true);
  set('EC_Unheard_Of', true);
  const told = (await sink.frames(5)).map((one) => [one.topic, one.parameters.Value]);
  await bench.cetp.idle();
  expect(told).toEqual([
    ['OPERATIONAL_STATE/EC_No_VPN_TI_Connection', 'true'],
    ['NETWORK/VPN_TI/DOWN', undefined],
    ['OPERATIONAL_STATE/EC_No_VPN_TI_Connection', 'false'],
    ['NETWORK/VPN_TI/UP', undefined],
    ['OPERATIONAL_STATE/EC_CRL_Out_Of_Date', 'true'],
  ]);
  expect(
    sink.received
      .at(-1)
      ?.event.children.slice(1, 3)
      .map((e) => e.text),
  ).toEqual(['Security', 'Fatal']);
  await sink.stop();
});
