// Large bodies are worked on in a thread, one after the other: so many may wait, more are told to come again (api.md section 2).
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportBody, type TestGateway, testGateway } from '../../../support/gateway-server.ts';

let g: TestGateway;
beforeAll(async () => {
  g = await testGateway((raw) => ({ ...raw, limits: { waitingBytes: 4096 } }));
});
afterAll(() => g.close());

const AT_ONCE = 2;
/** Takes the thread far longer than the other requests take to arrive. */
const large = JSON.stringify({ resourceType: 'Bundle', entry: Array.from({ length: 200_000 }, () => ({})) });
const validate = () =>
  g.call('/v1/mio/validate', { body: large, headers: { 'content-type': 'application/fhir+json' } });

test('what has no room to wait is refused with 429 and Retry-After, and taken when it comes again', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, validate));
  const refused = answers.filter((one) => one.status !== 200);
  // Two are at work, and one may wait whatever its length.
  expect(answers.length - refused.length).toBeGreaterThanOrEqual(AT_ONCE + 1);
  expect(refused.length).toBeGreaterThan(0);
  for (const { status, json, headers } of refused) {
    expect([status, json.code, json.who]).toEqual([429, 'TOO_MANY_REQUESTS', 'backend']);
    expect(headers.get('retry-after')).toBe('5');
  }
  expect((await validate()).status).toBe(200);
});

test('small ones do not wait for them', async () => {
  const going = [validate(), validate(), validate()];
  const ended: string[] = [];
  const large_ = Promise.allSettled(going).then(() => ended.push('large'));
  expect((await g.call('/v1/exports', { body: exportBody() })).status).toBe(202);
  ended.push('small');
  await large_;
  expect(ended).toEqual(['small', 'large']);
});
