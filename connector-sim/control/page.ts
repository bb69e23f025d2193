// The simulator's page at its control port: what this is, and the calls it answers. No data of any record on it.

import type { HttpAnswer } from '../http-server.ts';
import type { ControlRoute } from './route.ts';

const links: readonly string[] = [
  '/sim/state',
  '/sim/settings',
  '/sim/terminals',
  '/sim/cards',
  '/sim/faults',
  '/sim/journal',
  '/sim/operations',
];

export function page(routes: readonly ControlRoute[]): HttpAnswer {
  const items = routes
    .filter((route) => route.path !== '/')
    .map((route) => {
      const linked = route.method === 'GET' && links.includes(route.path);
      const path = linked ? `<a href="${route.path}">${route.path}</a>` : route.path;
      return `<li><code>${route.method}</code> ${path}</li>`;
    })
    .join('\n');
  const body = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>ePA simulator</title></head>
<body>
<h1>ePA simulator (TEST-ONLY)</h1>
<p>Simulated Konnektor, card terminal, SMC-B, IDP, two record systems and OCSP responder for the DiGA ePA gateway. Everything
lives in memory and ends with the process. Use invented insured only. This page and the calls below are no part of any
specification.</p>
<ul>
${items}
</ul>
</body></html>
`;
  return {
    status: 200,
    headers: [
      ['Content-Type', 'text/html; charset=utf-8'],
      ['Content-Security-Policy', "default-src 'none'"],
    ],
    body,
  };
}
