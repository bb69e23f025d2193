// The page at `/` of the admin listener: what this is, environment, readiness with code and remedy, the calls that exist.
// Open like /readyz, so to a stranger it says no more than that; what stands below the state is for those who may see it
// (overview.ts), and never exports or people. No script, no image, nothing from elsewhere; its one style is named by hash in the
// policy (CSP Level 3). SEC-15, SEC-25.
import { createHash } from 'node:crypto';
import { escapeText } from '../../wire/xml.ts';
import type { Language } from '../api/problem.ts';
import type { Readiness } from '../api/rest.ts';
import { catalogue } from '../errors.ts';
import { ADMIN_CALLS } from './calls.ts';
import type { Overview, OverviewLine } from './overview.ts';

const TEXT = {
  en: {
    title: 'Admin listener',
    intro: 'The DiGA ePA gateway writes exports of a DiGA into the electronic patient record (ePA für alle).',
    environment: 'Environment',
    sim: 'Simulation: nothing here reaches a real record. Use invented people only.',
    state: 'State',
    writes: 'Takes exports; nothing known hinders them from being written.',
    waits: 'Takes exports and keeps them; they cannot be written now.',
    live: 'No new login is possible; exports over standing sessions go on.',
    down: 'Takes no exports now.',
    alarms: 'Open alarms',
    none: 'none',
    konnektors: 'Konnektors',
    terminals: 'Card terminals',
    cards: 'Cards',
    well: 'ok',
    closed:
      'Alarms, Konnektors, terminals and cards are shown to an operator whose browser shows the client certificate.',
    remedy: 'What to do',
    who: { backend: 'the backend', insured: 'the insured', operator: 'the operator', gateway: 'its makers', none: '–' },
    acts: 'Who acts',
    calls: 'Calls',
    open: 'open',
    role: 'role',
    key: 'Calls with a role take a bearer key of an operator. In this version such keys exist in environment SIM only.',
    console: 'A console to click through comes in a later version; it will use these same calls.',
    security:
      'Found a weakness? Report it privately through the security advisories of the repository, never with real data.',
  },
  de: {
    title: 'Admin-Zugang',
    intro: 'Das DiGA-ePA-Gateway schreibt Exporte einer DiGA in die elektronische Patientenakte (ePA für alle).',
    environment: 'Umgebung',
    sim: 'Simulation: Nichts von hier erreicht eine echte Akte. Nur erfundene Personen verwenden.',
    state: 'Zustand',
    writes: 'Nimmt Exporte an; nichts Bekanntes hindert sie daran, geschrieben zu werden.',
    waits: 'Nimmt Exporte an und bewahrt sie auf; schreiben kann es sie gerade nicht.',
    live: 'Keine neue Anmeldung möglich; Exporte über bestehende Sitzungen gehen weiter.',
    down: 'Nimmt gerade keine Exporte an.',
    alarms: 'Offene Alarme',
    none: 'keine',
    konnektors: 'Konnektoren',
    terminals: 'Kartenterminals',
    cards: 'Karten',
    well: 'in Ordnung',
    closed:
      'Alarme, Konnektoren, Terminals und Karten sieht ein Betreiber, dessen Browser das Client-Zertifikat zeigt.',
    remedy: 'Was zu tun ist',
    who: {
      backend: 'das Backend',
      insured: 'die versicherte Person',
      operator: 'der Betreiber',
      gateway: 'die Hersteller',
      none: '–',
    },
    acts: 'Wer handelt',
    calls: 'Aufrufe',
    open: 'offen',
    role: 'Rolle',
    key: 'Aufrufe mit Rolle verlangen den Bearer-Schlüssel eines Betreibers. In dieser Version gibt es solche Schlüssel nur in der Umgebung SIM.',
    console: 'Eine Konsole zum Klicken kommt in einer späteren Version; sie nutzt dieselben Aufrufe.',
    security:
      'Schwachstelle gefunden? Bitte vertraulich über die Security Advisories des Repositorys melden, nie mit echten Daten.',
  },
} as const;

const STYLE = `
:root{color-scheme:light dark;--ink:#16202a;--soft:#4a5968;--line:#ccd5dd;--paper:#fff;--panel:#f3f6f8;--good:#0b6b3a;--warn:#8a4b00;--bad:#a3161f}
@media(prefers-color-scheme:dark){:root{--ink:#e8edf2;--soft:#a9b7c4;--line:#3a4651;--paper:#12181e;--panel:#1b242c;--good:#5fd394;--warn:#ffb866;--bad:#ff8a8f}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:1.25rem 1rem 3rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}h3{font-size:1rem;margin:1.25rem 0 .25rem}
p{margin:.5rem 0}.soft{color:var(--soft)}
code{font:.925em ui-monospace,monospace;overflow-wrap:normal}
.tag{display:inline-block;padding:0 .5rem;border:1px solid currentColor;border-radius:.25rem;font-weight:600}
.state{border:1px solid var(--line);border-left:.4rem solid currentColor;border-radius:.25rem;background:var(--panel);padding:.75rem 1rem}
.state p,.state dl{color:var(--ink)}.state strong{color:inherit}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}
dl{margin:.5rem 0 0}dt{color:var(--soft);font-size:.9rem}dd{margin:0 0 .5rem}
ul{list-style:none;margin:0;padding:0}
li{display:grid;grid-template-columns:minmax(0,25rem) minmax(0,1fr) minmax(0,11rem);gap:0 1rem;align-items:baseline;padding:.5rem 0;border-top:1px solid var(--line)}
li.line{grid-template-columns:minmax(0,25rem) minmax(0,1fr)}li.line strong{overflow-wrap:anywhere}li.line p{grid-column:1/-1;margin:.25rem 0 0}
@media(max-width:60rem){li,li.line{grid-template-columns:minmax(0,1fr)}}
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** Headers that go with the page; the language of the text is the caller's. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  vary: 'Accept-Language',
} as const;

/** HTML of the page; every value passes through escapeText. */
export function adminPage(o: {
  environment: string;
  readiness: Readiness;
  language: Language;
  /** A session stands over which exports go on without a login (D10). */
  live: boolean;
  /** Undefined: who asks may not see it. */
  overview: Overview | undefined;
}): string {
  const t = TEXT[o.language];
  const calls = ADMIN_CALLS.map(
    (c) =>
      `<li><code>${c.method ?? 'GET'} ${breakable(c.path)}</code><span>${escapeText(c[o.language])}</span><span class="soft">${
        c.role === null ? t.open : `${t.role} ${escapeText(c.role)}`
      }</span></li>`,
  ).join('\n');
  return `<!doctype html>
<html lang="${o.language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>DiGA ePA gateway · ${t.title}</title><style>${STYLE}</style></head>
<body>
<h1>DiGA ePA gateway · ${t.title}</h1>
<p>${t.intro}</p>
<p>${t.environment} <span class="tag">${escapeText(o.environment)}</span></p>
${o.environment === 'SIM' ? `<p class="soft">${t.sim}</p>` : ''}
<h2>${t.state}</h2>
${state(o.readiness, o)}
${o.overview === undefined ? `<p class="soft">${t.closed}</p>` : overview(o.overview, o.language)}
<h2>${t.calls}</h2>
<ul>
${calls}
</ul>
<p class="soft">${t.key}</p>
<p class="soft">${t.console}</p>
<p class="soft">${t.security}</p>
</body>
</html>
`;
}

/** A path may be broken before a slash, never inside a word. */
const breakable = (path: string): string => escapeText(path).replaceAll(/(?<!^)\//g, '<wbr>/');

function overview(o: Overview, language: Language): string {
  const t = TEXT[language];
  const lines = (all: readonly OverviewLine[]) =>
    all.length === 0
      ? `<p class="soft">${t.none}</p>`
      : `<ul>\n${all.map((one) => line(one, t.well)).join('\n')}\n</ul>`;
  return `<h2>${t.alarms}</h2>
${lines(o.alarms)}
<h2>${t.konnektors}, ${t.terminals}, ${t.cards}</h2>
${(['konnektors', 'terminals', 'cards'] as const).map((part) => `<h3>${t[part]}</h3>\n${lines(o[part])}`).join('\n')}`;
}

function line({ name, facts, code, remedy }: OverviewLine, well: string): string {
  const how = code === null ? `<span class="good">${well}</span>` : `<code class="warn">${code}</code>`;
  const about = [how, ...facts.map((fact) => `<span class="soft">${escapeText(fact)}</span>`)].join(' · ');
  const what = remedy === null ? '' : `<p>${commands(remedy)}</p>`;
  return `<li class="line"><strong>${escapeText(name)}</strong><span>${about}</span>${what}</li>`;
}

/** What stands between backquotes is to be typed. */
const commands = (text: string): string =>
  escapeText(text)
    .replaceAll(/(?<=[\w}])\//g, '<wbr>/')
    .replaceAll(/`([^`]+)`/g, '<code>$1</code>');

/** What stands before a login alone: a session that stands needs none of it (D10). */
const BEFORE_LOGIN = /^(SMCB_|PIN_|KONNEKTOR_|TERMINAL_|IDP_|OCSP_|CERTIFICATE_)/;

function state({ ok, canExport, code }: Readiness, { language, live }: { language: Language; live: boolean }): string {
  const t = TEXT[language];
  const goesOn = live && code !== null && BEFORE_LOGIN.test(code);
  const [tone, sentence] = canExport
    ? (['good', t.writes] as const)
    : ok
      ? (['warn', goesOn ? t.live : t.waits] as const)
      : (['bad', t.down] as const);
  if (code === null) return `<div class="state ${tone}"><strong>${sentence}</strong></div>`;
  const { who, remedy } = catalogue[code];
  return `<div class="state ${tone}"><strong>${sentence}</strong>
<dl><dt>Code</dt><dd><code>${code}</code></dd>
<dt>${t.remedy}</dt><dd>${commands(remedy[language])}</dd>
<dt>${t.acts}</dt><dd>${t.who[who]}</dd></dl></div>`;
}
