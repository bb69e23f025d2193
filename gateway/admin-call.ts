// The command line speaks to the admin listener of the running gateway (D9): one call, with the credential of an operator. What keeps it
// from being asked is said of the argument, the file or the address it lies in.
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

/** The JSON of an answer, its texts in English. ARGUMENT_INVALID, CONFIG_INVALID, ADMIN_UNREACHABLE when it cannot be asked. */
export async function callAdmin(
  settings: Settings,
  call: { method: 'GET' | 'POST'; path: string; body?: object },
  o: AdminCallOptions,
): Promise<{ status: number; json: Record<string, unknown> }> {
  const origin = originOf(settings.admin, o.admin);
  const role = o.role ?? 'security';
  const operator = settings.operators.find((x) => x.keyFile !== undefined && x.roles.includes(role));
  const ca = read('--ca', o.ca) ?? read('admin.tls.certFile', settings.admin.tls?.certFile);
  const cert = read('--certificate', o.certificate);
  const key = read('--certificate-key', o.certificateKey);
  const bearer = read('--key-file', o.keyFile) ?? read('operators[].keyFile', operator?.keyFile);
  const target = { origin, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  const egress = open(settings, target);
  try {
    const answer = await egress.request('admin', {
      url: `${origin}${call.path}`,
      method: call.method,
      headers: {
        accept: 'application/json',
        // The command line speaks English, remedies of the gateway too.
        'accept-language': 'en',
        ...(call.body !== undefined && { 'content-type': 'application/json' }),
        ...(bearer && { authorization: `Bearer ${bearer.trim()}` }),
      },
      ...(call.body !== undefined && { body: Buffer.from(JSON.stringify(call.body)) }),
      timeoutMs: 30_000,
      maxResponseBytes: 1_048_576,
    });
    return { status: answer.status, json: jsonOf(origin, answer.body) };
  } catch (cause) {
    if (cause instanceof EgressError)
      throw new GatewayError('ADMIN_UNREACHABLE', `${origin} cannot be asked: ${whyNot(cause, origin)}`, { cause });
    throw cause;
  } finally {
    await egress.close();
  }
}

function originOf({ host, port, tls }: Settings['admin'], named: string | undefined): string {
  if (named === undefined)
    return `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const url = URL.canParse(named) ? new URL(named) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || `${url.pathname}${url.search}${url.hash}` !== '/')
    throw new GatewayError('ARGUMENT_INVALID', '--admin: must be http(s)://HOST:PORT, without a path');
  return url.origin;
}

function open(settings: Settings, target: { origin: string; ca?: string; cert?: string; key?: string }) {
  try {
    return createEgress({ environment: settings.environment, purposes: { admin: [target] } });
  } catch (cause) {
    const { origin, ca, cert } = target;
    const why = !origin.startsWith('https:')
      ? `--admin: ${origin} is not allowed in environment ${settings.environment}, https is needed`
      : ca === undefined && cert === undefined
        ? `${origin}: https needs --ca FILE with the CA of the listener; if it has no TLS, ask it by http://`
        : '--ca, --certificate or --certificate-key is not PEM, or the key is not that of the certificate';
    throw new GatewayError('ARGUMENT_INVALID', why, { cause });
  }
}

/** `name`: the argument or setting that names the file. */
function read(name: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    const code = name.startsWith('--') ? 'ARGUMENT_INVALID' : 'CONFIG_INVALID';
    throw new GatewayError(code, `${name}: ${path} cannot be read${why}`, { cause });
  }
}

function whyNot({ code, message }: EgressError, origin: string): string {
  const secure = origin.startsWith('https:');
  if (code === 'UNREACHABLE') return 'nothing listens there, is the gateway running?';
  if (code === 'TIMEOUT') return 'no answer within 30 seconds';
  if (secure && (code === 'TLS_UNTRUSTED' || code === 'PROTOCOL' || code === 'RESET'))
    return `TLS failed (${code}): --ca FILE must hold its CA; if the listener has no TLS, ask it by http://`;
  if (!secure && (code === 'PROTOCOL' || code === 'RESET'))
    return `what answers does not speak plain HTTP (${code}); if the listener has TLS, ask it by https://`;
  return message;
}

function jsonOf(origin: string, body: Uint8Array): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    if (typeof json === 'object' && json !== null) return json as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new GatewayError('ADMIN_UNREACHABLE', `${origin} answers, but not as the admin listener of a gateway does`);
}
