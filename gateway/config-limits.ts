// Limits of sizes that demand something of each other (EXP-11): a document that is taken must fit into a message.
import type { ConfigFault } from './config-rules.ts';
import { MESSAGE_ROOM_BYTES } from './exports/size-limits.ts';
import type { Settings } from './tables/settings-manifest.ts';

export function limitFaults({ limits }: Pick<Settings, 'limits'>): ConfigFault[] {
  if (limits.documentBytes + MESSAGE_ROOM_BYTES <= limits.requestBytes) return [];
  const message = `must leave ${MESSAGE_ROOM_BYTES} bytes of limits.requestBytes for what is around a document`;
  return [{ key: 'limits.documentBytes', message }];
}
