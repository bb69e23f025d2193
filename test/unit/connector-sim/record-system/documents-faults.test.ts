// Faults switched on at ITI-41 (epa-record-system.md 3 and 4): which strike before a document is stored and which after, and what their
// answers say.
import { describe, expect, test } from 'vitest';
import { newDocument, provide } from '../../../support/iti41-message.ts';
import { outcome, signedOn } from '../../../support/iti41-session.ts';
import { KVNR, OTHER_KVNR, recordOf } from '../../../support/sim-services.ts';

describe('faults at xds.iti41', () => {
  test.each(['registry-error', 'soap-fault', 'http-status', 'drop-request', 'reset-request'])(
    '%s strikes before storing',
    async (kind) => {
      const { sim, channel } = await signedOn();
      sim.faults.add({ at: 'xds.iti41', kind, times: 1 });
      await provide(channel, newDocument()).catch(() => 'no answer');
      expect(recordOf(sim).documents).toEqual([]);
    },
  );

  test.each(['drop-response', 'reset', 'truncate', 'garbage', 'delay', 'hang'])(
    '%s strikes after storing, on the outer connection',
    async (kind) => {
      const { sim, channel } = await signedOn();
      sim.faults.add({ at: 'xds.iti41', kind, times: 1, match: { kvnr: KVNR, recordSystem: 'epa-as-1' } });
      const { outer } = await provide(channel, newDocument());
      expect(outer.fault?.kind).toBe(kind);
      expect(recordOf(sim).documents).toHaveLength(1);
    },
  );

  test('wrong-frame strikes after storing, in the frame of the answer alone', async () => {
    const { sim, channel } = await signedOn();
    sim.faults.add({ at: 'xds.iti41', kind: 'wrong-frame', params: { what: 'ciphertext' }, times: 1 });
    await expect(provide(channel, newDocument())).rejects.toMatchObject({ code: 'VAU_AEAD' });
    expect(recordOf(sim).documents).toHaveLength(1);
  });

  test('registry-error and soap-fault say what their params say, and match looks at the insured', async () => {
    const { sim, channel } = await signedOn();
    const params = { code: 'XDSRepositoryBusy', text: 'later' };
    sim.faults.add({ at: 'xds.iti41', kind: 'registry-error', params, times: 1 });
    expect(await outcome((await provide(channel, newDocument())).response)).toEqual({
      status: 'Failure',
      code: 'XDSRepositoryBusy',
      text: 'later',
    });
    sim.faults.add({ at: 'xds.iti41', kind: 'soap-fault', params: { code: 'Client' }, times: 1 });
    expect(await outcome((await provide(channel, newDocument())).response)).toEqual({ fault: 'Sender' });
    sim.faults.add({ at: 'xds.iti41', kind: 'soap-fault', match: { kvnr: OTHER_KVNR } });
    expect(await outcome((await provide(channel, newDocument())).response)).toEqual({ status: 'Success' });
  });
});
