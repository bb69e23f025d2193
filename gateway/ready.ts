// The gateway's part of the ready line (api.md section 1); keys in SIM only (D16).
import { readFileSync } from 'node:fs';
import type { Settings } from './config.ts';

export type GatewayReady = {
  ready: true;
  environment: string;
  gateway: string;
  admin: string;
  apiKey?: string;
  operatorKey?: string;
  diga: string;
  telematikId: string;
  pids: { gateway: number };
};

/** `gateway`, `admin`: where the listeners stand. */
export function readyLine(settings: Settings, gateway: string, admin: string): GatewayReady {
  const first = settings.digas[0];
  const keyOf = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path, 'utf8').trim());
  const client = settings.clients.find((c) => c.diga === first?.id);
  return {
    ready: true,
    environment: settings.environment,
    gateway,
    admin,
    ...(settings.environment === 'SIM' && {
      apiKey: keyOf(client?.keyFile),
      operatorKey: keyOf(settings.operators[0]?.keyFile),
    }),
    diga: first?.id ?? '',
    telematikId: first?.telematikId ?? '',
    pids: { gateway: process.pid },
  };
}
