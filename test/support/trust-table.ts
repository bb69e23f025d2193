// Plays rows of the negative table (test/tables/trust-rows.ts) in a running world. Each row meets a gateway that has seen
// nothing yet, a simulator without any count, and one fault; without the fault the same export gets written.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoDocument } from '../../demo/document.ts';
import type { Fault, Group, Row } from '../tables/trust-rows.ts';
import { type ExportView, exportBody, TestWorld } from './world.ts';

const FINISHED = new Set(['written', 'refused', 'failed', 'cancelled', 'unclear']);

/** Tests for every row of these groups, in one world; `first` keeps the invented insured of different files apart. */
export function playTrustTable(groups: readonly Group[], first: number): void {
  let world: TestWorld;
  let next = first;
  const lines: string[] = [];
  const raised = new Set<string>();
  beforeAll(async () => {
    world = await TestWorld.start();
  });
  afterAll(async () => {
    await world.stop();
    process.stdout.write(`${lines.join('\n')}\n`);
  });

  // A gateway that stops writes down what it has counted (SEC-11).
  afterAll(async () => {
    await world.stopGateway();
    await world.startGateway();
    const { entries } = (await world.call('GET', '/admin/v1/audit?limit=1000', { admin: true })).json() as {
      entries: { action: string; result: string; details: { check: string } | null }[];
    };
    const told = entries
      .filter((entry) => entry.action === 'trust.refused')
      .map((entry) => `${entry.result} ${entry.details?.check}`);
    expect(new Set(told)).toEqual(raised);
  });

  describe.each(groups)('$title', (group) => {
    test.each(group.rows)('$what ends with $check, and nothing was written', async (row) => {
      for (const fault of [row.fault, ...(row.also ?? [])]) {
        await begin(world, fault);
        const from = world.logs.length;
        const recordSystem = next % 2 === 0 ? 'epa-as-1' : 'epa-as-2';
        const kvnr = await world.newInsured(next++, recordSystem);
        const accepted = await world.post(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
        const ended = await world.tried(accepted.id);
        const reached = reachedOperations(world);

        expect({ code: ended.reason?.code, check: checkOf(ended), fault }).toEqual({ ...named(row), fault });
        expect({ sent: ended.attempts, steps: ended.timeline.some((one) => one.step === 'sent') }).toEqual({
          sent: 0,
          steps: false,
        });
        expect(['waiting', 'queued']).toContain(ended.status);
        expect(group.never.filter((operation) => reached.has(operation))).toEqual([]);
        expect(world.sim.operations()['ITI-41']).toBeUndefined();
        expect(await world.documents(kvnr)).toEqual([]);

        // SEC-11: this check alone is told, and an answer that is no check of trust not at all.
        const events = securityEvents(world, from);
        expect(events).toEqual(row.quiet === true ? [] : [`${row.code} ${row.check}`]);
        for (const event of events) raised.add(event);

        await goOn(world, ended);
        expect(await world.settled(accepted.id, FINISHED)).toMatchObject({ status: 'written', attempts: 1 });
        expect(await world.documents(kvnr)).toHaveLength(1);
      }
      lines.push(`${group.title} | ${row.what} | ${row.code} | ${row.check}`);
    });
  });
}

/** Code and check of each security event since this line of the log. */
export function securityEvents(world: TestWorld, from: number): string[] {
  const events = world.logs.slice(from).filter((line) => line.event === 'security event');
  return [...new Set(events.map(({ fields }) => `${fields.code} ${fields.check}`))];
}

const named = ({ code, check }: Row) => ({ code, check });

/** The check, or what the other side said where it was the one to refuse. */
export const checkOf = ({ reason }: ExportView): string | undefined =>
  reason?.check ?? (reason?.foreign?.code === undefined ? undefined : `foreign ${reason.foreign.code}`);

/** A cold gateway that meets the faults from its first call on. */
export async function begin(world: TestWorld, ...faults: Fault[]): Promise<void> {
  await world.stopGateway();
  await world.control('POST', '/sim/reset', {});
  for (const fault of faults) await world.control('POST', '/sim/faults', fault);
  await world.startGateway();
}

/** Takes the fault away and lets the export try again now: by its owner where it waits for someone, else by a restart. */
async function goOn(world: TestWorld, { id, status }: ExportView): Promise<void> {
  await world.control('DELETE', '/sim/faults');
  if (status === 'waiting') {
    expect((await world.call('POST', `/v1/exports/${id}/retry`)).status).toBe(202);
    return;
  }
  await world.stopGateway();
  await world.startGateway();
}

/** Every operation the simulator saw since the reset; M3 goes to another path than M1. */
export function reachedOperations({ sim }: TestWorld): Set<string> {
  const names = sim.journal
    .entries()
    .map(({ operation, request }) => (operation === 'vau.handshake' && request.path !== '/VAU' ? 'M3' : operation));
  return new Set(names);
}
