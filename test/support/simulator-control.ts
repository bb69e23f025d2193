// One call of a simulator's control API, from tests that start no gateway beside it.
import type { Simulator } from '../../connector-sim/main.ts';

/** The answer's JSON, null for none. Throws where it is refused. */
export async function controlOf<T>(sim: Simulator, call: [method: string, path: string, body?: object]): Promise<T> {
  const [method, path, body] = call;
  const answer = await fetch(`${sim.ready.control}${path}`, {
    method,
    headers: { 'content-type': 'application/json', connection: 'close' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return (text === '' ? null : JSON.parse(text)) as T;
}
