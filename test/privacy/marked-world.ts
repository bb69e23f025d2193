// The world of the privacy test: a gateway and a simulator whose insured, names, contents, keys and secrets are marked, with
// everything that comes out of it collected on the way, and the search for the marks (SEC-07, SEC-10).
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresSettings } from '../../gateway/config.ts';
import { mioBundle } from '../support/gateway-fakes.ts';
import { type Mark, MarkSearch, type Place } from '../support/marks.ts';
import { dropStore, withPostgres } from '../support/schemas-of-tests.ts';
import { newSchema, onPostgres } from '../support/stores.ts';
import { exportBody, inventedKvnr, TestWorld } from '../support/world.ts';

export const NAME = 'Markiert-Zzyzxmann';
const NOTE = 'Qwrtzpx marked diary entry';
export const IDEMPOTENCY_KEY = 'idem-marked-0815';
export const UNUSED_KVNR = inventedKvnr(9_999);
const WEBHOOK_SECRET = `whsec_${Buffer.from('a marked secret of thirty-two by').toString('base64')}`;

/** A document that holds everything a log must never hold. */
export function marked(kvnr: string, version = '1'): Buffer {
  const name = `<name><use value="official"/><family value="${NAME}"><extension url="http://hl7.org/fhir/StructureDefinition/humanname-own-name"><valueString value="${NAME}"/></extension></family></name>`;
  return Buffer.from(mioBundle(`${NOTE} ${version}`, kvnr).toString().replace('</Patient>', `${name}</Patient>`));
}

export type MarkedWorld = Awaited<ReturnType<typeof startMarkedWorld>>;

export async function startMarkedWorld() {
  const kvnrs: string[] = [];
  const seen: Place[] = [];
  /** Keys of both gateways of the story. */
  const keys = new Set<string>();
  const folder = mkdtempSync(join(tmpdir(), 'epa-privacy-'));
  const hooks: Place[] = [];
  /** Takes every webhook. */
  const receiver = createServer((request, answer) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces).toString();
      hooks.push({ where: 'webhook', bytes: `${request.url}\n${JSON.stringify(request.headers)}\n${body}` });
      receiver.emit(`told ${(JSON.parse(body) as { type: string }).type}`);
      answer.writeHead(204).end();
    });
  });
  const postgres = onPostgres ? newSchema() : undefined;
  await once(receiver.listen(0, '127.0.0.1'), 'listening');
  const secretFile = join(folder, 'webhook.secret');
  writeFileSync(secretFile, `${WEBHOOK_SECRET}\n`, { mode: 0o600 });
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  const world = await TestWorld.start({
    settings: (given) => ({
      ...given,
      store: { postgres },
      digas: (given.digas as object[]).map((diga) => ({ ...diga, webhooks: [{ id: 'backend', url, secretFile }] })),
    }),
  });

  async function call(...[method, path, o]: Parameters<TestWorld['call']>) {
    const answer = await world.call(method, path, o);
    const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
    seen.push({ where: `answer to ${method} (${answer.status})`, bytes: `${headers}\n${answer.body}` });
    return answer;
  }

  let people = 0;
  async function insured(): Promise<string> {
    const kvnr = await world.newInsured(5_000 + people++, people % 2 === 0 ? 'epa-as-1' : 'epa-as-2');
    kvnrs.push(kvnr);
    return kvnr;
  }

  /** Posts a marked document, waits until it rests, reads it in every way there is. */
  async function story(kvnr: string, more: Record<string, unknown> = {}, version = '1'): Promise<string> {
    const body = JSON.stringify(exportBody(kvnr, marked(kvnr, version), more));
    const posted = await call('POST', '/v1/exports', { body });
    if (posted.status !== 202) throw new Error(`an export was answered ${posted.status}`);
    const { id } = posted.json() as { id: string };
    const { status } = await world.tried(id);
    await call('GET', `/v1/exports/${id}`);
    await call('GET', '/v1/exports?limit=200');
    await call('GET', `/admin/v1/exports/${id}`, { admin: true });
    return status;
  }

  async function restart(): Promise<void> {
    await world.stopGateway();
    await world.startGateway();
    for (const key of [world.gateway.ready.apiKey, world.gateway.ready.operatorKey]) if (key) keys.add(key);
  }

  await restart();
  for (const kvnr of world.sim.ready.insured) kvnrs.push(kvnr);

  function marks(): Mark[] {
    const master = readFileSync(String(world.sim.settings().masterKeyFile));
    return [
      ...[...new Set([...kvnrs, UNUSED_KVNR])].flatMap((kvnr) => [
        { what: 'a KVNR', value: kvnr },
        { what: 'a part of a KVNR', value: kvnr.slice(0, 9) },
      ]),
      { what: 'a name', value: NAME },
      { what: 'content', value: NOTE },
      { what: 'content', value: 'KBV_PR_MIO_DIGA_Bundle|1.1.0' },
      ...[...keys].map((value) => ({ what: 'an API key', value })),
      { what: 'an Idempotency-Key', value: IDEMPOTENCY_KEY },
      { what: 'a webhook secret', value: WEBHOOK_SECRET },
      { what: 'a webhook secret', value: Buffer.from(WEBHOOK_SECRET.slice(6), 'base64') },
      { what: 'the master key', value: master },
      { what: 'a private key', value: 'PRIVATE KEY' },
      { what: 'a token', value: 'eyJhbGciOi' },
      { what: 'a token', value: 'eyJ0eXAiOi' },
    ];
  }

  return {
    world,
    seen,
    hooks,
    keys,
    call,
    insured,
    story,
    restart,
    marks,
    leaks: (places: readonly Place[]) => new MarkSearch(marks()).find(places),
    tables: () => tablesOf(postgres),
    stop: async () => {
      await world.stop();
      if (postgres !== undefined) await dropStore(postgres);
      receiver.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Every table of the gateway's schema as text; bytes stand in it in hex. */
async function tablesOf(postgres: PostgresSettings | undefined): Promise<Place[]> {
  if (postgres === undefined) throw new Error('the store of this run is not PostgreSQL');
  const { url, schema } = postgres;
  return withPostgres(url, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1',
      [schema],
    );
    const tables: Place[] = [];
    for (const { name } of rows) {
      const all = await client.query<{ row: string }>(`SELECT t::text AS row FROM "${schema}"."${name}" t`);
      tables.push({ where: `table ${name}`, bytes: all.rows.map(({ row }) => row).join('\n') });
    }
    return tables;
  });
}
