// CRT-02, CRT-09, D17: the clock goes on for five years, in steps of 30 days and then day by day through the last 200 days of every
// certificate; what is warned of, when and how often, is exactly what the levels say.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { secretFile } from './support/gateway-fakes.ts';
import { SECRET } from './support/webhook-bench.ts';
import { webhookReceiver } from './support/webhook-receiver.ts';
import { exportBody, TestWorld } from './support/world.ts';

const DAY = 86_400_000;

test('five years, the last 200 days one by one: every level once, daily in the last fortnight (CRT-02)', {
  timeout: 240_000,
}, async () => {
  let offset = () => 0;
  const receiver = await webhookReceiver(SECRET, () => Date.now() + offset());
  const secret = secretFile(mkdtempSync(join(tmpdir(), 'epa-years-')), 'alarms.secret', SECRET);
  const world = await TestWorld.start({
    settingsFlags: { clock: true },
    settings: (raw) => ({
      ...raw,
      alarms: { webhooks: [{ id: 'ops', url: `${receiver.origin}/alarms`, secretFile: secret }] },
    }),
  });
  try {
    offset = () => world.sim.world.offsetMs;
    const { pki } = world.sim.world;
    // An export first, so that VAU, IDP and record system have been seen.
    const kvnr = world.insured(0);
    const written = await world.write(exportBody(kvnr, demoDocument(kvnr, 1, new Date('2026-11-20T08:00:00Z'))));
    expect(written.status).toBe('written');
    const end = [...pki.smcb.certificates.values()][0]?.certificate.notAfter.getTime() ?? 0;
    const step = async (days: number) => {
      const from = world.logs.length;
      const { followers } = await world.control<{ followers: object }>('POST', '/sim/clock', { advance: `P${days}D` });
      expect(followers).toEqual({ acknowledged: 1, missing: 0 });
      await world.logged('certificates looked at', from);
      // Signed now and verified a day later, a message would be refused: none is on its way when the clock moves on.
      for (;;) {
        const lines = world.logs.length;
        const { channels } = (await world.call('GET', '/admin/v1/alarms', { admin: true })).json() as {
          channels: { waiting: number }[];
        };
        if (channels.every(({ waiting }) => waiting === 0)) return;
        await world.logged('alarm told', lines);
      }
    };
    const left = () => Math.floor((end - world.sim.world.now()) / DAY);
    while (left() >= 230) await step(30);
    while (left() > 200) await step(1);
    expect(receiver.received.map(({ body }) => body.data?.key)).toEqual([]);
    while (left() >= 0) await step(1);
    await step(1);
    const heard = (key: string) =>
      receiver.received
        .map(({ body }) => body)
        .filter(({ data, type }) => data?.key === key && type !== 'alarm.cleared')
        .map(({ data }) => `${data?.code === 'CERTIFICATE_EXPIRED' ? 'ended ' : ''}${data?.stage}`);
    const fortnight = Array.from({ length: 15 }, (_, n) => `day ${14 - n}`);
    expect(heard(`certificate.smcb.${pki.smcb.iccsn}`)).toEqual([
      ...[180, 90, 60, 30].map((days) => `level ${days}`),
      ...fortnight,
      'ended ended',
    ]);
    for (const key of ['vau.epa-as-1', 'record-system-tls.epa-as-1', 'konnektor-tls.k1', 'konnektor-client.k1'])
      expect([key, heard(`certificate.${key}`)]).toEqual([key, ['level 60', 'level 30', ...fortnight, 'ended ended']]);
    expect(receiver.received.filter(({ body }) => body.type === 'alarm.cleared')).toEqual([]);
  } finally {
    await world.stop();
    await receiver.close();
  }
});
