// `POST /v1/exports` as multipart/form-data on the wire (D5): bytes are sealed as they come, a client that goes away leaves nothing,
// and what is refused before the body is not asked for with 100-continue.
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CHUNK_BYTES } from '../../../../gateway/vault/seal.ts';
import { BOUNDARY, documentPart, exportPartOf, FORM, formOf, partHead } from '../../../support/export-form.ts';
import { formGateway, formPosts, large } from '../../../support/form-gateway.ts';
import { type TestGateway, WRITER_KEY } from '../../../support/gateway-server.ts';

let g: TestGateway;
beforeEach(async () => {
  g = await formGateway();
});
afterEach(() => g.close());

const { post, rows, nothingStored } = formPosts(() => g);

describe('on the wire', () => {
  const open = (headers: Record<string, string | number>) => {
    const { hostname, port } = new URL(g.gateway.address);
    const all = { authorization: `Bearer ${WRITER_KEY}`, 'content-type': FORM, ...headers };
    const request = httpRequest({ hostname, port, path: '/v1/exports', method: 'POST', headers: all });
    // A connection that we break.
    request.on('error', () => {});
    return request;
  };
  const head = () =>
    Buffer.concat([
      formOf([exportPartOf()], { end: '' }),
      Buffer.from(partHead({ name: 'document', type: 'application/fhir+xml' })),
    ]);

  test('chunks are sealed into the store while the rest is still to come', async () => {
    const staged = new Promise<number>((resolve) => {
      const look = () => (rows('sealed_chunks') >= 2 ? resolve(rows('exports')) : setImmediate(look));
      look();
    });
    const content = large(2 * CHUNK_BYTES + 1000);
    const request = open({});
    request.write(head());
    request.write(content.subarray(0, -10));
    expect(await staged).toBe(0);
    request.end(Buffer.concat([content.subarray(-10), Buffer.from(`\r\n--${BOUNDARY}--\r\n`)]));
    const [answer] = await once(request, 'response');
    expect([answer.statusCode, rows('stagings')]).toEqual([202, 0]);
  });

  test('a client that goes away in the middle leaves nothing', async () => {
    const staged = new Promise<void>((resolve) => {
      const look = () => (rows('stagings') >= 1 ? resolve() : setImmediate(look));
      look();
    });
    const request = open({});
    request.write(head());
    request.write(large(2 * CHUNK_BYTES));
    await staged;
    request.destroy();
    await new Promise<void>((resolve) => {
      const look = () => (rows('stagings') === 0 ? resolve() : setImmediate(look));
      look();
    });
    nothingStored();
  });

  test('a length over the limit is refused before the body, and not asked for with 100-continue', async () => {
    const request = open({ 'content-length': 50_000_000, expect: '100-continue' });
    let asked = false;
    request.on('continue', () => {
      asked = true;
    });
    request.flushHeaders();
    const [answer] = await once(request, 'response');
    request.destroy();
    expect([answer.statusCode, asked]).toEqual([413, false]);
  });

  test('who asks with 100-continue is told to go on, and is answered', async () => {
    const body = formOf([exportPartOf(), documentPart()]);
    const request = open({ 'content-length': body.length, expect: '100-continue' });
    request.flushHeaders();
    await once(request, 'continue');
    request.end(body);
    const [answer] = await once(request, 'response');
    expect(answer.statusCode).toBe(202);
  });

  test('a stranger who asks with 100-continue is refused before the body', async () => {
    const request = open({ authorization: 'Bearer none', 'content-length': 1000, expect: '100-continue' });
    let asked = false;
    request.on('continue', () => {
      asked = true;
    });
    request.flushHeaders();
    const [answer] = await once(request, 'response');
    request.destroy();
    expect([answer.statusCode, asked]).toEqual([401, false]);
  });

  test('the connection serves the next request after a refusal in the middle of a body', async () => {
    const refused = await post(formOf([{ name: 'x', content: large(2_000_000) }]));
    expect([refused.status, (await g.call('/livez')).status]).toEqual([422, 200]);
  });
});
