// The entry of a Konnektor in the settings, whole but for what a test changes: how it is read, and what it is refused for.
import { mintLeaf, mintRoot } from '../../certs/mint.ts';
import { parseSettings } from '../../gateway/config.ts';
import { konnektorWay } from '../../gateway/konnektor-access.ts';
import { secretFile } from './gateway-fakes.ts';
import { rawSettings } from './gateway-server.ts';

const NOW = Date.parse('2026-11-30T12:00:00Z');
export const root = mintRoot('Another root');
export const other = mintLeaf(root, { commonName: 'other' });

export type Entry = Record<string, unknown>;

/** Nothing that proves who we are. */
export const none = { clientCertificate: undefined, clientKey: undefined };

/** The files that an entry names lie in `directory`. */
export function konnektorEntries(directory: () => string) {
  const file = (name: string, content: string | Uint8Array) => secretFile(directory(), name, content);

  /** The first entry with members changed, `undefined` taking one out; faults as `key message`, without `konnektors[0].`. */
  function read(change: (entry: Entry) => Entry, environment = 'SIM') {
    const raw = rawSettings(directory());
    const entry = Object.fromEntries(
      Object.entries({ ...raw.konnektors[0], ...change({ ...raw.konnektors[0] }) }).filter(([, v]) => v !== undefined),
    );
    return parseSettings({ ...raw, environment, konnektors: [entry] }, {}, NOW);
  }
  function faults(change: (entry: Entry) => Entry, environment?: string): string[] {
    const result = read(change, environment);
    const all = result.ok ? [] : result.faults.filter(({ key }) => key.startsWith('konnektors[0]'));
    return all.map(({ key, message }) => `${key.slice('konnektors[0].'.length)} ${message}`);
  }
  function wayOf(change: (entry: Entry) => Entry) {
    const result = read(change);
    if (!result.ok) throw new Error(JSON.stringify(result.faults));
    const [konnektor] = result.settings.konnektors;
    const { way } = konnektor === undefined ? {} : konnektorWay(konnektor, NOW);
    if (way === undefined) throw new Error('there is no way');
    return way;
  }
  const basic = () => ({ basicAuthentication: { user: 'gateway', passwordFile: file('basic', 'pa:ß wort\n') } });
  return { file, read, faults, wayOf, basic };
}
