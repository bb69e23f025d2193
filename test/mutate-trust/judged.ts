// Verdicts of earlier runs, one JSON object a line. Only what was caught counts, and only for the very same broken file: a
// survivor is judged again, since the test that catches it may have been written meanwhile.
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Verdict } from './judge.ts';
import type { Listed } from './table.ts';

export type Judged = {
  caught(check: Listed): Verdict | undefined;
  add(check: Listed, by: string | undefined, ms: number): void;
};

type Line = { broken: string; check: string; where: string; by?: string; ms: number };

export function openJudged(path: string | undefined): Judged {
  const lines = path !== undefined && existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
  const known = new Map<string, Line>();
  for (const line of lines) {
    const one: Line = JSON.parse(line);
    known.set(one.broken, one);
  }
  return {
    caught(check) {
      const one = known.get(digest(check));
      return one?.by === undefined ? undefined : { by: one.by, ms: one.ms };
    },
    add(check, by, ms) {
      const line: Line = {
        broken: digest(check),
        check: check.check,
        where: check.where,
        ms,
        ...(by !== undefined && { by }),
      };
      if (path !== undefined) appendFileSync(path, `${JSON.stringify(line)}\n`);
    },
  };
}

const digest = ({ file, text }: Listed): string => createHash('sha256').update(`${file}\n${text}`).digest('hex');
