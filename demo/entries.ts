// What an invented DiGA knows about an invented person, as small JSON (`content.mode: simple`): the gateway makes the document of
// it. Every stand has one day more than the one before; ids stay, so that readers know entries again.
export type DemoEntry = { kind: string; id: string; at: string; [member: string]: unknown };

const DAY_MS = 86_400_000;

/** The content of stand `version`, 1 or more, as seen at `at`. */
export function demoContent(version: number, at: Date): { mode: 'simple'; entries: DemoEntry[] } {
  // Days count from a fixed one, so that the same day is the same in every stand.
  const first = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), 7, 30) - 7 * DAY_MS;
  const days = Array.from({ length: version }, (_, n) => new Date(first + n * DAY_MS));
  return { mode: 'simple', entries: days.flatMap((day, n) => entriesOf(day, n)) };
}

function entriesOf(day: Date, n: number): DemoEntry[] {
  const at = day.toISOString();
  const id = at.slice(0, 10);
  return [
    { kind: 'bodyWeight', id, at, value: 72.5 - n / 10, unit: 'kg' },
    { kind: 'bloodPressure', id, at, systolic: 128 - n, diastolic: 82 },
    { kind: 'diary', id, at, text: `Erfundener Eintrag: heute ${20 + n} Minuten spazieren gegangen.` },
    { kind: 'observation', id, at, code: { text: 'Schritte' }, value: 8123 + n, unit: '1' },
  ];
}
