// Errors as problem documents (RFC 9457; api.md section 2): the only place where a code becomes an HTTP answer. Nothing of
// the request is repeated in it, and what looks like a KVNR is masked (D15).
import { catalogue, type ErrorCode, GatewayError, type Language } from '../errors.ts';
import type { Finding } from '../exports/finding.ts';
import { maskPersonal } from '../log.ts';

export type { Language } from '../errors.ts';

export type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  who: string;
  remedy: string;
  findings?: Finding[];
  userMessage?: { key: string; de: string; en: string };
};

/** An error with what only an HTTP answer can carry. */
export class RequestError extends Error {
  readonly error: GatewayError;
  readonly findings: readonly Finding[];
  readonly headers: Readonly<Record<string, string>>;
  /** Extension members of the problem document (RFC 9457 section 3.2); nothing personal. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    more: {
      findings?: readonly Finding[];
      headers?: Readonly<Record<string, string>>;
      members?: Readonly<Record<string, unknown>>;
      cause?: unknown;
    } = {},
  ) {
    super(message);
    this.error = new GatewayError(code, message, { cause: more.cause });
    this.findings = more.findings ?? [];
    this.headers = more.headers ?? {};
    this.members = more.members ?? {};
  }
}

const TITLE: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** Who reads an answer: the backend of a DiGA, or those who run the gateway (admin listener, command line). */
export type Audience = 'backend' | 'operator';

/** An operator's query or body is read as a backend's, but is no export. */
const codeFor = (code: ErrorCode, audience: Audience): ErrorCode =>
  audience === 'operator' && code === 'EXPORT_INVALID' ? 'CALL_INVALID' : code;

/** The problem document of an error; inner details stay inside (SEC-17). */
export function problemOf(
  error: GatewayError,
  language: Language,
  findings: readonly Finding[] = [],
  audience: Audience = 'backend',
): Problem {
  const code = codeFor(error.code, audience);
  const entry = catalogue[code];
  const status = entry.http === 0 ? 500 : entry.http;
  return {
    type: `docs/errors#${code}`,
    title: TITLE[status] ?? 'Error',
    status,
    detail: entry.kind === 'bug' ? 'unexpected error' : maskPersonal(error.message),
    code,
    who: entry.who === 'backend' ? audience : entry.who,
    remedy: entry.remedy[language],
    ...(findings.length > 0 && { findings: findings.map(maskFinding) }),
    ...('userMessage' in entry && { userMessage: entry.userMessage }),
  };
}

/** A member's name is the caller's text too. */
const maskFinding = (f: Finding): Finding => ({
  pointer: maskPersonal(f.pointer),
  path: maskPersonal(f.path),
  code: f.code,
  message: maskPersonal(f.message),
});

/** German unless English is preferred (RFC 9110 section 12.5.4, as far as two languages need it). */
export function languageOf(acceptLanguage: string | undefined): Language {
  let best: { language: Language; q: number } = { language: 'de', q: 0 };
  for (const item of (acceptLanguage ?? '').split(',')) {
    const [range = '', ...parameters] = item.trim().toLowerCase().split(';');
    const q = Number(/^\s*q=([0-9.]+)\s*$/.exec(parameters[0] ?? 'q=1')?.[1] ?? 0);
    const language = /^de\b/.test(range) ? 'de' : /^en\b/.test(range) ? 'en' : undefined;
    if (language !== undefined && q > best.q) best = { language, q };
  }
  return best.language;
}
