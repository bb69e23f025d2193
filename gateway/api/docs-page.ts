// `/docs`: the description as a page to read, made from `/openapi.json` on the server. No script, no image, nothing from
// elsewhere; its one style is named by hash in the policy (CSP Level 3), so it works offline and behind any proxy (SEC-25).
import { createHash } from 'node:crypto';
import { escapeText } from '../../wire/xml.ts';
import type { Json } from './openapi.ts';

const STYLE = `
:root{color-scheme:light dark;--ink:#16202a;--soft:#4a5968;--line:#ccd5dd;--paper:#fff;--panel:#f3f6f8;--get:#0b6b3a;--post:#134f9e;--bad:#a3161f}
@media(prefers-color-scheme:dark){:root{--ink:#e8edf2;--soft:#a9b7c4;--line:#3a4651;--paper:#12181e;--panel:#1b242c;--get:#5fd394;--post:#8dbdff;--bad:#ff8a8f}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:68rem;padding:1.25rem 1rem 4rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);overflow-wrap:anywhere}
a{color:inherit}a:focus-visible,summary:focus-visible{outline:.15rem solid var(--post);outline-offset:.15rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .5rem}h2{font-size:1.25rem;margin:2.5rem 0 .5rem;padding-top:.5rem;border-top:2px solid var(--line)}
h3{font:600 1.05rem/1.4 ui-monospace,monospace;margin:2rem 0 .25rem}h4{font-size:.95rem;margin:1rem 0 .25rem;color:var(--soft)}
p{margin:.4rem 0;white-space:pre-line}.soft{color:var(--soft)}
code{font:.9em ui-monospace,monospace}
.get{color:var(--get)}.post{color:var(--post)}.bad{color:var(--bad)}
nav ul{list-style:none;margin:0;padding:0}nav li{display:grid;grid-template-columns:minmax(0,24rem) minmax(0,1fr);gap:0 1rem;padding:.3rem 0;border-top:1px solid var(--line)}
dl{margin:0;border-top:1px solid var(--line)}
dl>div{display:grid;grid-template-columns:minmax(0,16rem) minmax(0,1fr);gap:0 1rem;padding:.35rem 0;border-bottom:1px solid var(--line)}
dt{font:.9rem/1.5 ui-monospace,monospace}dd{margin:0}
dd dl{margin:.35rem 0;padding-left:.75rem;border-top:0;border-left:2px solid var(--line)}dd dl>div{grid-template-columns:minmax(0,13rem) minmax(0,1fr)}dd dl>div:last-child{border-bottom:0}
details{background:var(--panel);border:1px solid var(--line);border-radius:.25rem;padding:.35rem .75rem;margin:.35rem 0}
summary{cursor:pointer}
@media(max-width:40rem){nav li,dl>div,dd dl>div{grid-template-columns:minmax(0,1fr)}}
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

export const DOCS_HEADERS = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
} as const;

type Schema = { [key: string]: unknown };
type Member = { name: string; note: string; schema?: Schema; text?: string };

/** The page of a description made by openapi.ts. */
export function docsPage(description: Json): string {
  const d = description as Description;
  const calls = Object.entries(d.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, call]) => ({ path, method, call })),
  );
  const sections = d.tags.map(({ name }) => {
    const own = calls.filter(({ call }) => call.tags.includes(name));
    return `<h2>${escapeText(name)}</h2>${own.map(callSection).join('')}`;
  });
  const schemas = Object.entries(d.components.schemas).map(
    ([name, schema]) =>
      `<h3 id="schema-${escapeText(name)}">${escapeText(name)}</h3>${wordsOf(schema)}${membersOf(schema)}`,
  );
  const index = calls.map(
    ({ path, method, call }) =>
      `<li><a href="#${call.operationId}"><code><b class="${method}">${method.toUpperCase()}</b> ${escapeText(path)}</code></a><span>${prose(call.summary)}</span></li>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeText(d.info.title)}: REST API</title><style>${STYLE}</style></head>
<body><h1>${escapeText(d.info.title)}: REST API</h1>
<p class="soft">Version ${escapeText(d.info.version)} · for machines: <a href="/openapi.json">/openapi.json</a></p>
<p>${prose(d.info.description)}</p>
<nav aria-label="Calls"><ul>${index.join('')}</ul></nav>
<main>${sections.join('')}<h2>Shapes</h2>${schemas.join('')}</main></body></html>
`;
}

function callSection({ path, method, call }: { path: string; method: string; call: Call }): string {
  const parameters = (call.parameters ?? []).map((p) => ({
    name: p.name,
    note: `${p.in}${p.required ? ', required' : ''}`,
    schema: p.schema,
    ...(p.description !== undefined && { text: p.description }),
  }));
  const answers = Object.entries(call.responses).map(([status, answer]) => {
    const bad = Number(status) >= 400;
    return `<details${bad ? '' : ' open'}><summary><b class="${bad ? 'bad' : 'get'}">${status}</b> ${bad ? codesOf(answer) : prose(answer.description)}</summary>${bad ? `<p>${prose(answer.description)}</p>` : ''}${headersOf(answer)}${contentOf(answer.content ?? {})}</details>`;
  });
  return `<section id="${call.operationId}"><h3><span class="${method}">${method.toUpperCase()}</span> ${escapeText(path)}</h3>
<p><strong>${prose(call.summary)}</strong></p>${call.description === '' ? '' : `<p>${prose(call.description)}</p>`}
${parameters.length > 0 ? `<h4>Parameters</h4>${list(parameters)}` : ''}
${call.requestBody === undefined ? '' : `<h4>Body</h4>${contentOf(call.requestBody.content)}`}
<h4>Answers</h4>${answers.join('')}</section>`;
}

const codesOf = (answer: Answer) =>
  answer.description
    .split('\n')
    .map((line) => `<code>${escapeText(line.split(':')[0] ?? '')}</code>`)
    .join(', ');

function headersOf(answer: Answer): string {
  // Those of every answer are told once, by the description's own part.
  const own = Object.entries(answer.headers).filter(([, h]) => h.description !== undefined);
  if (own.length === 0) return '';
  return list(
    own.map(([name, h]) => ({
      name,
      note: `header${h.required === true ? '' : ', not always'}`,
      text: h.description ?? '',
    })),
  );
}

function contentOf(content: Record<string, { schema: Schema; 'x-item-schema'?: Schema; encoding?: unknown }>): string {
  return Object.entries(content)
    .map(([type, { schema, 'x-item-schema': item }]) => {
      const each = item === undefined ? '' : `<p>Each item: ${typeOf(item)}</p>${membersOf(item)}`;
      return `<p><code>${escapeText(type)}</code> ${typeOf(schema)}</p>${wordsOf(schema)}${membersOf(schema)}${each}`;
    })
    .join('');
}

const wordsOf = (schema: Schema) =>
  typeof schema.description === 'string' ? `<p class="soft">${prose(schema.description)}</p>` : '';

/** The members of an object, or what an enumeration holds. */
function membersOf(schema: Schema): string {
  const properties = schema.properties as Record<string, Schema> | undefined;
  if (properties !== undefined) {
    const required = Array.isArray(schema.required) ? schema.required : [];
    return list(
      Object.entries(properties).map(([name, of]) => ({
        name,
        note: required.includes(name) ? '' : 'optional',
        schema: of,
      })),
    );
  }
  if (Array.isArray(schema.enum))
    return `<p>${schema.enum.map((value) => `<code>${escapeText(String(value))}</code>`).join(' · ')}</p>`;
  return '';
}

function list(members: readonly Member[]): string {
  const rows = members.map(({ name, note, schema, text }) => {
    const type = schema === undefined ? '' : typeOf(schema);
    const words = text ?? (typeof schema?.description === 'string' ? schema.description : '');
    const inner = schema === undefined ? '' : membersOf(innermost(schema));
    return `<div><dt>${escapeText(name)}</dt><dd>${type} <span class="soft">${[note, prose(words)].filter(Boolean).join(' · ')}</span>${inner}</dd></div>`;
  });
  return `<dl>${rows.join('')}</dl>`;
}

/** Of a list its items, of "or null" the other: what has members to show. Enumerations stand in the type already. */
function innermost(schema: Schema): Schema {
  const others = alternatives(schema).filter((s) => s.type !== 'null');
  if (others.length === 1 && others[0] !== undefined) return innermost(others[0]);
  if (schema.type === 'array') return innermost(schema.items as Schema);
  return schema.properties === undefined ? {} : schema;
}

const alternatives = (schema: Schema) => (Array.isArray(schema.anyOf) ? (schema.anyOf as Schema[]) : []);

/** In a few words, with links to the named shapes. */
function typeOf(schema: Schema): string {
  if (typeof schema.$ref === 'string') {
    const name = escapeText(schema.$ref.split('/').at(-1) ?? '');
    return `<a href="#schema-${name}">${name}</a>`;
  }
  if (Array.isArray(schema.allOf)) return typeOf(schema.allOf[0] as Schema);
  const either = alternatives(schema);
  if (either.length > 0) return either.map(typeOf).join(' or ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items as Schema)}`;
  if (Array.isArray(schema.enum)) return schema.enum.map((v) => `<code>${escapeText(String(v))}</code>`).join(' · ');
  const type = [schema.type ?? ''].flat().join(' or ');
  const range = [
    schema.format,
    schema.maxLength === undefined ? undefined : `at most ${schema.maxLength} characters`,
    schema.default === undefined ? undefined : `default ${JSON.stringify(schema.default)}`,
  ];
  return escapeText([type, ...range.filter((r) => r !== undefined)].join(', '));
}

/** Text with `code` in it. */
const prose = (text: string) => escapeText(text).replace(/`([^`]+)`/g, '<code>$1</code>');

type Answer = {
  description: string;
  headers: Record<string, { description?: string; required?: boolean }>;
  content?: Record<string, { schema: Schema }>;
};
type Call = {
  operationId: string;
  tags: string[];
  summary: string;
  description: string;
  parameters?: { name: string; in: string; required: boolean; description?: string; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, Answer>;
};
type Description = {
  info: { title: string; version: string; description: string };
  tags: { name: string }[];
  paths: Record<string, Record<string, Call>>;
  components: { schemas: Record<string, Schema> };
};
