// JSON log lines with named fields of a closed type: patient data cannot be passed in, and what looks like a KVNR or a
// bearer credential is masked should it ever reach a field (SEC-10). The only writer of stdout besides the cli. A leaf.
import { type DestinationStream, destination, pino } from 'pino';

/** Every field a line may have. None is free text from outside; `foreign` answers are never logged (D20). */
export type LogFields = {
  requestId?: string;
  client?: string;
  operator?: string;
  method?: string;
  route?: string;
  status?: number;
  export?: string;
  diga?: string;
  /** Keyed pseudonym of the insured (vault/keys.ts), never the look-up key (D6). */
  person?: string;
  step?: string;
  ms?: number;
  code?: string;
  check?: string;
  attempt?: number;
  recordSystem?: string;
  konnektor?: string;
  iccsn?: string;
  count?: number;
  address?: string;
  name?: string;
  /** Why, in a message of ours: what it names from outside stands there only in a form that was checked. */
  reason?: string;
  /** Stack of an error of our own (INTERNAL), masked like everything else. */
  stack?: string;
};

export type Logger = {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
};

// Upper case anywhere; lower case only where it stands alone, since hexadecimal ids may look like it inside.
const KVNR_SHAPED = /[A-Z][0-9]{9}|(?<![A-Za-z0-9-])[a-z][0-9]{9}(?![A-Za-z0-9-])/g;
const BEARER = /(Bearer\s+)[A-Za-z0-9._~+/=-]+/gi;

/** `text` with everything that has the shape of a KVNR or of a bearer credential replaced (D15, D20). */
export function maskPersonal(text: string): string {
  return text.replace(KVNR_SHAPED, '[masked]').replace(BEARER, '$1[masked]');
}

/** Where an error was thrown, without its message: that may quote what it stumbled over. */
export function stackOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.stack === undefined) return undefined;
  const frames = error.stack.split('\n').filter((line) => /^ {4}at /.test(line));
  // A message of several lines could imitate a frame: those of the message are passed over.
  const quoted = error.message.split('\n').filter((line) => /^ {4}at /.test(line)).length;
  return frames.slice(quoted, quoted + 5).join(' |');
}

/** A logger for one environment (OPS-05: it stands in every line). `to` is a file descriptor or, in tests, a stream. */
export function createLogger(o: { environment: string; level: string; to?: number | DestinationStream }): Logger {
  const to = typeof o.to === 'object' ? o.to : destination({ dest: o.to ?? 1, sync: true });
  const out = pino(
    { level: o.level, base: { environment: o.environment }, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    to,
  );
  const line = (level: 'debug' | 'info' | 'warn' | 'error') => (event: string, fields?: LogFields) => {
    const masked: Record<string, string | number> = {};
    for (const [name, value] of Object.entries(fields ?? {})) {
      if (value === undefined) continue;
      masked[name] = typeof value === 'number' ? value : maskPersonal(value);
    }
    out[level](masked, maskPersonal(event));
  };
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}

/** For tests and tools that want silence. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
