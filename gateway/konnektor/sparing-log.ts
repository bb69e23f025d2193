// Log lines that others can cause as often as they like: so many a minute as they are, the rest as one line with their count.
import type { LogFields, Logger } from '../log.ts';

/** Cancelled by calling what it answers. */
type Timer = (ms: number, fire: () => void) => () => void;

const MINUTE_MS = 60_000;
/** Of each kind of line: what one Konnektor has to say when cards and terminals come and go. */
export const LINES_A_MINUTE = 30;

type Level = 'info' | 'warn';

export class SparingLog {
  readonly #log: Pick<Logger, Level>;
  readonly #timer: Timer;
  readonly #konnektor: string;
  /** Lines of this minute by level and event. */
  readonly #lines = new Map<string, number>();
  #cancel: (() => void) | undefined;

  constructor(o: { log: Pick<Logger, Level>; timer: Timer; konnektor: string }) {
    this.#log = o.log;
    this.#timer = o.timer;
    this.#konnektor = o.konnektor;
  }

  info(event: string, fields: LogFields): void {
    this.#say('info', event, fields);
  }

  warn(event: string, fields: LogFields): void {
    this.#say('warn', event, fields);
  }

  /** Tells what was kept back. */
  stop(): void {
    this.#cancel?.();
    this.#tell();
  }

  #say(level: Level, event: string, fields: LogFields): void {
    this.#cancel ??= this.#timer(MINUTE_MS, () => this.#tell());
    const key = `${level} ${event}`;
    const count = (this.#lines.get(key) ?? 0) + 1;
    this.#lines.set(key, count);
    if (count <= LINES_A_MINUTE) this.#log[level](event, fields);
  }

  #tell(): void {
    this.#cancel = undefined;
    for (const [key, lines] of this.#lines) {
      const level: Level = key.startsWith('warn ') ? 'warn' : 'info';
      const count = lines - LINES_A_MINUTE;
      if (count > 0) this.#log[level](key.slice(level.length + 1), { konnektor: this.#konnektor, count });
    }
    this.#lines.clear();
  }
}
