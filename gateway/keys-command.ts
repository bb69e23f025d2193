// `epa-gateway keys` and `epa-gateway keys rotate` for the security officer (D7, D9): what GET /admin/v1/keys and
// POST /admin/v1/keys/rotate answer, for people or as JSON.
import { type AdminCallOptions, callAdmin } from './admin-call.ts';
import { type Printed, printJson, refusal } from './command-text.ts';
import type { Settings } from './config.ts';

type Rotation = { digas: string[]; rewrapped: number; unreadable: number; running: boolean; startedAt: string };
type Keys = { digas: { diga: string; newest: number; older: number[] }[]; rotation: Rotation | null };

/** What to print and the exit code: 0 done or ordered, 1 refused. ADMIN_UNREACHABLE when the gateway cannot be asked. */
export async function keysCommand(
  settings: Settings,
  o: AdminCallOptions & { rotate: boolean; diga?: string | undefined; json: boolean },
): Promise<Printed> {
  const query = o.diga === undefined ? '' : `?diga=${encodeURIComponent(o.diga)}`;
  const { status, json } = await callAdmin(
    settings,
    o.rotate ? { method: 'POST', path: `/admin/v1/keys/rotate${query}` } : { method: 'GET', path: '/admin/v1/keys' },
    o,
  );
  if (status >= 300) return refusal(json, o.json);
  if (o.json) return printJson(json, 0);
  if (o.rotate) return { text: rotationText(json as Rotation), code: 0 };
  const { digas, rotation } = json as Keys;
  const lines = digas.map(({ diga, newest, older }) => {
    const still = older.length === 0 ? '' : `, still held ${older.join(', ')}`;
    return `${diga}: generation ${newest}${still}\n`;
  });
  return { text: `${lines.join('')}${rotation === null ? 'never rotated\n' : rotationText(rotation)}`, code: 0 };
}

const rotationText = ({ digas, rewrapped, unreadable, running, startedAt }: Rotation) =>
  `rotation of ${digas.join(', ')} from ${startedAt}: ${running ? 'running' : 'ended'}, ${rewrapped} data keys wrapped anew` +
  `${unreadable === 0 ? '' : `, ${unreadable} do not open`}\n`;
