// What the same bytes cost with nothing around them (api.md section 6, `floor`): a POST over TLS, one AES-256-GCM pass, SHA-256, and
// one durable write, whose flush is shared by all that wait for one. Prints where it listens; ends when its stdin does.
import '../../wire/tls.ts';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintIdentity, startHttpsServer } from '../support/https-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'epa-floor-'));
const file = await open(join(folder, 'written'), 'a');
const write = groupCommits(file);
const key = randomBytes(32);

const server = await startHttpsServer(mintIdentity({ ip: ['127.0.0.1'] }), async (request, response) => {
  const cipher = createCipheriv('aes-256-gcm', key, randomBytes(12));
  const hash = createHash('sha256');
  const sealed: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk);
    sealed.push(cipher.update(chunk));
  }
  sealed.push(cipher.final(), cipher.getAuthTag(), hash.digest());
  await write(sealed);
  response.writeHead(201).end();
});
process.stdout.write(`${JSON.stringify({ origin: server.origin, ca: server.ca })}\n`);
process.stdin.resume().on('end', async () => {
  await server.close();
  await file.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Resolves when the pieces are on disk; whoever comes while a flush runs shares the next one. */
function groupCommits(to: FileHandle): (pieces: Buffer[]) => Promise<void> {
  let next: { pieces: Buffer[]; done: PromiseWithResolvers<void> } | undefined;
  let running = false;
  const flush = async () => {
    running = true;
    for (let group = next; group !== undefined; group = next) {
      next = undefined;
      await to.writev(group.pieces);
      await to.datasync();
      group.done.resolve();
    }
    running = false;
  };
  return (pieces) => {
    next ??= { pieces: [], done: Promise.withResolvers<void>() };
    next.pieces.push(...pieces);
    const { promise } = next.done;
    if (!running) void flush();
    return promise;
  };
}
