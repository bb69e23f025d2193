// The command line speaks to the admin listener of the running gateway (D9): one call, with the credential of an operator.
import { readFileSync } from 'node:fs';
import type { Settings } from './config.ts';
import { createEgress, EgressError } from './egress.ts';
import { GatewayError } from './errors.ts';

export type AdminCallOptions = {
  /** Origin of the listener; that of the settings when undefined. */
  admin?: string | undefined;
  /** Files: trust anchors of the listener, key of the operator, client certificate and its key. */
  ca?: string | undefined;
  keyFile?: string | undefined;
  certificate?: string | undefined;
  certificateKey?: string | undefined;
  /** Of the operator whose key is taken from the settings. */
  role?: 'operator' | 'security';
};

/** The JSON of an answer. CONFIG_INVALID when it cannot be asked; `code` of a refusal is that of its problem document. */
export async function callAdmin(
  settings: Settings,
  call: { method: 'GET' | 'POST'; path: string; body?: object },
  o: AdminCallOptions,
): Promise<{ status: number; json: Record<string, unknown> }> {
  const { host, port, tls } = settings.admin;
  const origin =
    o.admin ?? `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const file = (path: string | undefined) => (path === undefined ? undefined : read(path));
  const role = o.role ?? 'security';
  const keyFile =
    o.keyFile ?? settings.operators.find((x) => x.keyFile !== undefined && x.roles.includes(role))?.keyFile;
  const [ca, cert, key, bearer] = [
    file(o.ca ?? tls?.certFile),
    file(o.certificate),
    file(o.certificateKey),
    file(keyFile),
  ];
  try {
    const target = { origin, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
    const egress = createEgress({ environment: settings.environment, purposes: { admin: [target] } });
    try {
      const answer = await egress.request('admin', {
        url: `${origin}${call.path}`,
        method: call.method,
        headers: {
          accept: 'application/json',
          ...(call.body !== undefined && { 'content-type': 'application/json' }),
          ...(bearer && { authorization: `Bearer ${bearer.trim()}` }),
        },
        ...(call.body !== undefined && { body: Buffer.from(JSON.stringify(call.body)) }),
        timeoutMs: 30_000,
        maxResponseBytes: 1_048_576,
      });
      return { status: answer.status, json: JSON.parse(Buffer.from(answer.body).toString('utf8')) };
    } finally {
      await egress.close();
    }
  } catch (cause) {
    const why = cause instanceof EgressError ? cause.code : 'no JSON';
    throw new GatewayError('CONFIG_INVALID', `the admin listener cannot be asked (${why}): is the gateway running?`, {
      cause,
    });
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new GatewayError('CONFIG_INVALID', 'a file named on the command line cannot be read', { cause });
  }
}
