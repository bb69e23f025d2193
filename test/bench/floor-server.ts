// The bare server of floor-child.ts in a process of its own, and connections to it that stay.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Agent, request } from 'undici';
import { clientTlsOptions } from '../../wire/tls.ts';
import { CLIENTS } from './exports.ts';

export type Floor = { post: (bytes: Uint8Array) => Promise<void>; stop: () => Promise<void> };

export async function startFloor(): Promise<Floor> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'floor-child.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { origin, ca } = JSON.parse(line) as { origin: string; ca: string };
  const dispatcher = new Agent({ connect: clientTlsOptions({ ca }), connections: CLIENTS });
  return {
    post: async (bytes) => {
      const answer = await request(origin, { method: 'POST', body: bytes, dispatcher });
      await answer.body.dump();
      if (answer.statusCode !== 201) throw new Error(`the floor answered ${answer.statusCode}`);
    },
    stop: async () => {
      await dispatcher.close();
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}
