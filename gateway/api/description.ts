// `/openapi.json` and `/docs`: the description of the API for machines and for people, served by the gateway itself. Open:
// it is the same for every installation and names no secret, no setting and no person.
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { contentSchemas } from './content-schemas.ts';
import { DOCS_HEADERS, docsPage } from './docs-page.ts';
import { etagOf } from './exports.ts';
import { describeApi } from './openapi.ts';

const manifest: { version: string } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** A table that cannot be described does not start; with the schemas of contents it is made when somebody asks for it. */
export function registerDescription(app: FastifyInstance): void {
  const { version } = manifest;
  describeApi({ version });
  let made: { json: string; page: string; etag: string } | undefined;
  const whole = () => {
    if (made !== undefined) return made;
    const description = describeApi({ version, contents: contentSchemas() });
    const json = JSON.stringify(description);
    made = { json, page: docsPage(description), etag: etagOf(json) };
    return made;
  };
  app.get('/openapi.json', async (request, reply) => {
    const { json, etag } = whole();
    reply.headers({ etag, 'cache-control': 'no-cache' });
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    return reply.type('application/json; charset=utf-8').send(json);
  });
  app.get('/docs', async (_request, reply) =>
    reply
      .headers({ ...DOCS_HEADERS, 'cache-control': 'no-cache' })
      .type('text/html; charset=utf-8')
      .send(whole().page),
  );
}
