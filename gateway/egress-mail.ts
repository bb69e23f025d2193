// The way of a mail (MON-03; D18): to the one server of the settings, whose name is resolved and checked here, over TLS from the first
// byte (465) or by STARTTLS that is demanded, with the profile and the anchors as everywhere; then nodemailer speaks SMTP.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { createTransport } from 'nodemailer';
import { clientTlsOptions } from '../wire/tls.ts';
import { addressAllowed, type EgressEnvironment } from './egress-address.ts';

export type MailServer = {
  host: string;
  port: number;
  security: 'tls' | 'starttls';
  /** PEM trust anchors; nothing else is trusted. */
  ca: string | string[];
  login?: { user: string; password: string } | undefined;
  environment: EgressEnvironment;
};

export type Mail = {
  from: string;
  to: readonly string[];
  subject: string;
  text: string;
  messageId: string;
  date: Date;
};

export type MailFailure = 'unreachable' | 'tls' | 'refused';
/** Never holds an address or an answer of the server. */
export class MailError extends Error {
  override readonly name = 'MailError';
  readonly failure: MailFailure;
  constructor(failure: MailFailure, cause?: unknown) {
    super(`mail: ${failure}`, cause === undefined ? undefined : { cause });
    this.failure = failure;
  }
}

const CONNECT_MS = 5_000;
const ANSWER_MS = 20_000;

/** Resolves when the server has taken it for every recipient. Throws MailError. */
export async function sendMail(server: MailServer, mail: Mail): Promise<void> {
  const address = await resolved(server);
  const { host, port, security, ca, login } = server;
  const name = host.replace(/^\[|\]$/g, '');
  const transport = createTransport({
    host: address,
    port,
    secure: security === 'tls',
    requireTLS: true,
    name: 'epa-gateway',
    connectionTimeout: CONNECT_MS,
    greetingTimeout: ANSWER_MS,
    socketTimeout: ANSWER_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(login && { auth: { user: login.user, pass: login.password } }),
    tls: { ...clientTlsOptions({ ca }), host: name, ...(isIP(name) === 0 && { servername: name }) },
  });
  try {
    const { from, to, subject, text, messageId, date } = mail;
    const sent = await transport.sendMail({ from, to: [...to], subject, text, messageId, date });
    if (sent.rejected.length > 0) throw new MailError('refused');
  } catch (thrown) {
    throw thrown instanceof MailError ? thrown : new MailError(failureOf(thrown), thrown);
  } finally {
    transport.close();
  }
}

async function resolved({ host, environment }: MailServer): Promise<string> {
  const name = host.replace(/^\[|\]$/g, '');
  if (isIP(name) !== 0) return name;
  const found = await lookup(name, { all: true }).catch((cause: unknown) => {
    throw new MailError('unreachable', cause);
  });
  const rule = { environment, loopbackOnly: false, neverLinkLocal: true };
  const [first] = found;
  if (first === undefined || found.some(({ address }) => !addressAllowed(address, rule)))
    throw new MailError('unreachable');
  return first.address;
}

const TLS_CODE = /^(ETLS|ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH)/;
/** What Node and OpenSSL say of a certificate or a handshake. */
const TLS_WORDS = /certificate|altnames|SSL routines|TLS handshake|tls_/i;

/** By nodemailer's codes; it replaces those of a connection by ESOCKET, and then only the words tell one from the other. */
function failureOf(thrown: unknown): MailFailure {
  if (thrown instanceof Error && TLS_WORDS.test(thrown.message)) return 'tls';
  const codes: string[] = [];
  for (let at: unknown = thrown; at instanceof Error; at = at.cause)
    if ('code' in at && typeof at.code === 'string') codes.push(at.code);
  if (codes.some((code) => TLS_CODE.test(code))) return 'tls';
  if (codes.some((code) => /^(EAUTH|EENVELOPE|EMESSAGE|EPROTOCOL|EOAUTH2|ENOAUTH)$/.test(code))) return 'refused';
  return 'unreachable';
}
