// Uploads by record system and result as metrics (MON-02).
import { afterEach, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { exportBody, TestWorld } from './support/world.ts';

let world: TestWorld;
afterEach(() => world.stop());

const uploads = async () =>
  (await world.call('GET', '/metrics', { admin: true })).body
    .split('\n')
    .filter((line) => line.startsWith('epa_uploads_total{'))
    .sort();
/** One export of an insured of its own whose upload ends so. */
async function upload(insured: number, fault?: object): Promise<void> {
  const kvnr = world.insured(insured);
  if (fault !== undefined)
    await world.control('POST', '/sim/faults', { at: 'xds.iti41', times: 1, match: { kvnr }, ...fault });
  await world.tried((await world.post(exportBody(kvnr, demoDocument(kvnr, 1, new Date())))).id);
}

test('uploads are counted by record system and result, and by nothing else (MON-02)', async () => {
  world = await TestWorld.start();
  expect(await uploads()).toEqual([]);
  await upload(0);
  await upload(1, { kind: 'registry-error', params: { code: 'XDSRepositoryMetadataError' } });
  await upload(2, { kind: 'drop-response' });
  const found = await uploads();
  for (const result of ['stored', 'registry-error', 'no-answer'])
    expect(found.filter((line) => line.includes(`result="${result}"`))).toHaveLength(1);
  for (const line of found)
    expect(line).toMatch(
      /^epa_uploads_total\{record_system="epa-as-[12]",result="(stored|registry-error|no-answer|failed)"\} \d+$/,
    );
});
