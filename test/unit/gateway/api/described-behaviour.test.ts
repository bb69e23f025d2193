// Description and behaviour of every operation: each is called for each status that it names, and what really comes is held against
// what /openapi.json says, with no member that it does not name. A status that nobody can bring about, or one not described, is red.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operations } from '../../../../gateway/api/openapi.ts';
import { KVNR, registryError } from '../../../support/gateway-fakes.ts';
import { type Answer, exportBody } from '../../../support/gateway-server.ts';
import type { Described } from './described.ts';
import { openWorld, type World } from './described-calls.ts';
import { LINES, NO_STORE, scenariosOf } from './described-scenarios.ts';

const refused = () => registryError('not-entitled');

let w: World;
let described: Described;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ w, described, close } = await openWorld());
});
afterAll(() => close());

describe.each(operations.map((o) => o.id))('%s', (id) => {
  test('answers as described, for each status that it names and for no other', async () => {
    const named = described.statusesOf(id).filter((s) => !(s === 500 && (NO_STORE.includes(id) || LINES.includes(id))));
    const scenarios = scenariosOf(id);
    expect([...scenarios.keys()].sort()).toEqual(named.sort());
    // The right call may end what the others look at: last.
    for (const [status, scenario] of [...scenarios].sort(([a], [b]) => b - a)) {
      w.g.outside.answers.push(refused, refused);
      w.id = String(
        (await w.g.call('/v1/exports', { body: exportBody({ reference: 'user-1', series: `${id}-${status}` }) })).json
          .id,
      );
      await w.g.gateway.idle();
      // One channel in 15 minutes may be renewed for it: then the second is not asked for.
      w.g.outside.answers.length = 0;
      const answer = await scenario(w);
      expect({ status: answer.status, faults: described.faultsOf(id, answer) }).toEqual({ status, faults: [] });
      // Document bytes go to a writer, and name the insured (D15).
      expect(answer.text.includes(KVNR) && id !== 'readExportContent' && id !== 'previewMio').toBe(false);
      await w.g.gateway.idle();
      w.g.clock.advance(61_000);
    }
  });
});

describe('the judge is awake:', () => {
  const answer = (change: Partial<Answer>): Answer => ({
    status: 200,
    headers: new Headers({ 'content-type': 'application/json', 'x-request-id': 'r', 'x-environment': 'SIM' }),
    text: '{"ok":true}',
    json: { ok: true },
    ...change,
  });
  test.each<[string, Partial<Answer>, RegExp]>([
    ['a status that is not described', { status: 418 }, /418/],
    ['a member that is not described', { json: { ok: true, more: 1 } }, /additional/],
    ['a member that is missing', { json: {} }, /ok/],
    ['a member of another type', { json: { ok: 'yes' } }, /boolean/],
    [
      'a media type that is not described',
      { headers: new Headers({ 'content-type': 'text/plain', 'x-request-id': 'r', 'x-environment': 'SIM' }) },
      /text\/plain/,
    ],
    [
      'a header that is missing',
      { headers: new Headers({ 'content-type': 'application/json', 'x-environment': 'SIM' }) },
      /X-Request-Id/,
    ],
  ])('%s', (_name, change, fault) => {
    expect(described.faultsOf('isAlive', answer({})).join()).toBe('');
    expect(described.faultsOf('isAlive', answer(change)).join()).toMatch(fault);
  });
});
