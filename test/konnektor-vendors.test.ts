// The whole way at a Konnektor of each vendor (tables/konnektor-profiles.ts): an export from simple entries is written, whatever the
// Konnektor's paths, versions, XML, signatures and faults look like; a card in a data centre alike (KON-14); a PIN that is lost
// waits for its operator in every dialect.
import { expect, test } from 'vitest';
import { KONNEKTOR_VENDORS } from '../connector-sim/tables/konnektor-profiles.ts';
import { demoDocument } from '../demo/document.ts';
import { exportBody, TestWorld } from './support/world.ts';

test.each(KONNEKTOR_VENDORS)('at a Konnektor of %s an export is written', async (konnektor) => {
  const world = await TestWorld.start({ konnektor });
  try {
    const kvnr = world.insured(0);
    const written = await world.write(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
    expect(written).toMatchObject({ status: 'written', attempts: 1, reason: null });
    const types = [...world.sim.world.konnektor.cards.values()].map((card) => card.cardType);
    expect(types.includes('HSM-B')).toBe(konnektor === 'highspeed');
  } finally {
    await world.stop();
  }
});

test.each(KONNEKTOR_VENDORS.filter((one) => one !== 'highspeed'))(
  'at a Konnektor of %s a lost PIN is told as such',
  async (konnektor) => {
    const world = await TestWorld.start({ konnektor });
    try {
      await world.control('PATCH', `/sim/cards/${world.sim.world.pki.smcb.iccsn}`, { pinStatus: 'VERIFIABLE' });
      const kvnr = world.insured(0);
      const waiting = await world.write(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
      expect(waiting).toMatchObject({ status: 'waiting', reason: { code: 'SMCB_PIN_NOT_VERIFIED', who: 'operator' } });
    } finally {
      await world.stop();
    }
  },
);

test('after an update of the firmware that leaves CardService 8.2 alone an export is written', async () => {
  const world = await TestWorld.start({ konnektor: 'highspeed' });
  try {
    await world.control('PATCH', '/sim/konnektors/k1', { manners: { cardService: '8.2' }, restart: true });
    const kvnr = world.insured(1);
    expect(await world.write(exportBody(kvnr, demoDocument(kvnr, 1, new Date())))).toMatchObject({ status: 'written' });
    const paths = world.sim.journal.entries({ service: 'konnektor' }).map((entry) => entry.request.path);
    expect(paths).toContain('/ws/CardService/v8.2');
  } finally {
    await world.stop();
  }
});

test.each([4072, 4209] as const)('a hosted card that answers GetPinStatus with fault %i', async (hsmPinStatus) => {
  const world = await TestWorld.start({ konnektor: 'highspeed' });
  try {
    await world.control('PATCH', '/sim/konnektors/k1', { manners: { hsmPinStatus } });
    const kvnr = world.insured(0);
    expect(await world.write(exportBody(kvnr, demoDocument(kvnr, 1, new Date())))).toMatchObject({ status: 'written' });
  } finally {
    await world.stop();
  }
});
