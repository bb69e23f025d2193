// CRT-04 on the whole way: a card that is revoked stops at once, with an alarm, also what it had signed on; exports wait and go on when
// it is good again. A responder that is away changes nothing for the grace time.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { exportBody, TestWorld } from './support/world.ts';

let world: TestWorld;
beforeAll(async () => {
  world = await TestWorld.start({ settingsFlags: { ocsp: true, clock: true } });
}, 60_000);
afterAll(() => world.stop());

let version = 0;
const post = async () => {
  const kvnr = world.insured(0);
  version += 1;
  const { id } = await world.post(exportBody(kvnr, demoDocument(kvnr, version, new Date('2026-11-20T08:00:00Z'))));
  return id;
};
const looked = async (by: string) => {
  const from = world.logs.length;
  await world.control('POST', '/sim/clock', { advance: by });
  await world.logged('certificates looked at', from);
};
const alarms = async () => {
  const answer = await world.call('GET', '/admin/v1/alarms?open=true', { admin: true });
  return (answer.json() as { alarms: { code: string; key: string }[] }).alarms;
};

test('a responder that is away leaves the card in use, with an alarm once its answer has run out', async () => {
  expect((await world.settled(await post())).status).toBe('written');
  await world.control('POST', '/sim/faults', { at: 'ocsp', kind: 'http-status', params: { status: 503 } });
  await looked('PT13H');
  expect((await world.settled(await post())).status).toBe('written');
  const from = world.logs.length;
  await world.control('POST', '/sim/clock', { advance: 'PT5M' });
  await world.logged('alarms looked at', from);
  expect((await alarms()).map(({ code }) => code)).toEqual(['OCSP_UNREACHABLE']);
  await world.control('DELETE', '/sim/faults');
});

test('a new card that is not released yet ends no session, while the PIN of the one in use is lost (D10)', async () => {
  type SimCard = { iccsn: string; cardType: string; telematikId: string };
  expect((await world.settled(await post())).status).toBe('written');
  const cards = await world.control<SimCard[]>('GET', '/sim/cards');
  const { iccsn, telematikId } = cards.find(({ cardType }) => cardType === 'SMC-B') ?? expect.unreachable();
  const logins = world.sim.operations().send_authcode_sc;
  await world.control('PATCH', `/sim/cards/${iccsn}`, { pinStatus: 'VERIFIABLE' });
  const next = await world.control<SimCard>('POST', '/sim/cards', { cardType: 'SMC-B', telematikId });
  await world.control('POST', '/sim/faults', { at: 'ocsp', kind: 'unknown', match: { iccsn: next.iccsn } });
  const from = world.logs.length;
  await world.call('GET', '/admin/v1/certificates?fresh=true', { admin: true });
  expect(world.logs.slice(from).filter(({ fields }) => fields.code === 'unknown').length).toBeGreaterThan(0);
  expect((await world.settled(await post())).status).toBe('written');
  expect(world.sim.operations().send_authcode_sc).toBe(logins);
  expect(world.logs.slice(from).filter(({ event }) => event === 'card stopped')).toEqual([]);
  await world.control('DELETE', '/sim/faults');
  await world.control('DELETE', `/sim/cards/${next.iccsn}`);
  await world.control('PATCH', `/sim/cards/${iccsn}`, { pinStatus: 'VERIFIED' });
  await world.call('GET', '/admin/v1/cards?fresh=true', { admin: true });
});

test('revoked, it signs no more and its sessions end; good again, what waited is written (CRT-04)', async () => {
  await world.control('POST', '/sim/faults', { at: 'ocsp', kind: 'revoked' });
  const from = world.logs.length;
  await looked('PT25H');
  await world.logged('card stopped', from);
  const id = await post();
  const waiting = await world.settled(id, new Set(['waiting']));
  expect(waiting.reason).toMatchObject({ code: 'CERTIFICATE_REVOKED', who: 'operator' });
  const codes = (await alarms()).map(({ code }) => code);
  expect(codes).toContain('CERTIFICATE_REVOKED');
  const cards = (await world.call('GET', '/admin/v1/certificates', { admin: true })).json() as {
    certificates: { use: string; status: string }[];
  };
  expect(cards.certificates.find(({ use }) => use === 'smcb-aut')?.status).toBe('revoked');
  await world.control('DELETE', '/sim/faults');
  await looked('PT2H');
  expect((await world.settled(id, new Set(['written']))).status).toBe('written');
});
