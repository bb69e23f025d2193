// The simulator's page at its control port: what this is, where its services stand, the calls it answers. No data of any
// record on it, no script, nothing from elsewhere; its one style is named by hash in the policy (CSP Level 3).
import { createHash } from 'node:crypto';
import { escapeText } from '../../wire/xml.ts';
import type { HttpAnswer } from '../http-server.ts';
import type { Addresses } from '../parts.ts';
import { CARD_MEMBER_WORDS, ENTERED_PIN_WORDS, PIN_STATUS_WORDS } from '../tables/card-words.ts';
import type { ControlRoute } from './route.ts';

/** What each call does, by method and path; a test wants one for every route. */
export const CALLS: Readonly<Record<string, string>> = {
  'GET /sim/state': 'the whole world: clock, seed, choices, records, terminals, cards, faults, counts',
  'POST /sim/reset': 'everything as at the start; {"seed": n, "scenario": "YAML"}, both optional',
  'GET /sim/settings':
    'a complete gateway configuration that fits (tls=true: with TLS; webhooks=true: told to the receiver demo; clock=false: on its own clock; ocsp=false: cards are not asked for; events=true: with receivers of the Konnektors’ events)',
  'GET /sim/faults': 'faults that are switched on',
  'POST /sim/faults': 'switch one on: {"at", "kind", "times", "after", "probability", "match", "params"}',
  'DELETE /sim/faults': 'switch all off',
  'DELETE /sim/faults/{id}': 'switch one off',
  'GET /sim/journal': 'every message received and answered, decrypted (after, service)',
  'DELETE /sim/journal': 'empty it',
  'GET /sim/operations': 'how often each operation was called',
  'GET /sim/clock': 'the simulated clock; with follower and seen: held until it moves (D17)',
  'POST /sim/clock':
    'move the simulated clock forward: {"advance": "P90D"} or {"now": time}; answered when every follower has',
  'PUT /sim/records/{kvnr}': 'make or change a record: {"recordSystem", "status", "entitled", "hidden", "keepIds"}',
  'GET /sim/records/{kvnr}': 'one record',
  'GET /sim/records/{kvnr}/documents':
    'its documents, oldest first (trimmed=true: also those beyond the history of 10)',
  'GET /sim/records/{kvnr}/documents/{entryUuid}': 'the stored bytes',
  'DELETE /sim/records/{kvnr}/documents/{entryUuid}': 'delete, as the insured does',
  'GET /sim/konnektors': 'Konnektors: address, vendor, whether it runs, how a gateway reaches it',
  'POST /sim/konnektors':
    'one more, with cards and handles of its own: {"id", "profile", "cards", "manners", "transport"}, all optional',
  'PATCH /sim/konnektors/{id}':
    'switch it off or on, restart, hang it, change vendor, authentication, TLS: {"running", "restart", "hanging", "profile", …}',
  'DELETE /sim/konnektors/{id}': 'take one away that was added',
  'GET /sim/terminals': 'card terminals',
  'PATCH /sim/terminals/{ctId}': 'take one off the network, or back: {"connected": false}',
  'GET /sim/cards': 'cards and the state of their PIN',
  'PATCH /sim/cards/{iccsn}': 'pull it, lose its PIN, let it expire: {"inserted", "pinStatus", "leftTries", …}',
  'POST /sim/terminals': 'one more: {"ctId", "slots", "physical", "place", …}',
  'DELETE /sim/terminals/{ctId}': 'take one away for good',
  'POST /sim/cards': 'one more: {"cardType": "SMC-B" | "HSM-B" | "SMC-KT" | "HBA" | "EGK", "telematikId", …}',
  'DELETE /sim/cards/{iccsn}': 'take one away for good',
  'PATCH /sim/konnektors/{id}/conditions': 'how the Konnektor itself is: {"EC_No_VPN_TI_Connection": true, …}',
  'POST /sim/konnektors/{id}/events':
    'an event whose cause is not simulated: {"topic": "CERT/CARD/STATUS", "iccsn": …}',
  'POST /sim/cards/{iccsn}/follow-up':
    'its follow-up card: other ICCSN, same Telematik-ID, in another slot, with a transport PIN',
  'GET /sim/certificates': 'certificates of the TI and when they end',
  'POST /sim/certificates/{name}/renew': 'a new one in the place of this: {"notAfter"}',
  'POST /sim/webhooks/{name}': 'a receiver of webhooks; what came stands in the journal (service=webhook)',
};

const STYLE = `
:root{color-scheme:light dark;--ink:#1d1a2b;--soft:#565069;--line:#d5d0e0;--paper:#fff;--warn:#8a4b00;--link:#4b2bb3}
@media(prefers-color-scheme:dark){:root{--ink:#ece9f5;--soft:#b3acc6;--line:#443d57;--paper:#15121e;--warn:#ffb866;--link:#b9a5ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:1.25rem 1rem 3rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
p{margin:.5rem 0}a{color:var(--link)}
code{font:.925em ui-monospace,monospace}
.warn{color:var(--warn);border:1px solid currentColor;border-left-width:.4rem;border-radius:.25rem;padding:.5rem 1rem}
.soft{color:var(--soft)}
ul{list-style:none;margin:0;padding:0}
li{display:grid;grid-template-columns:minmax(0,24rem) minmax(0,1fr);gap:0 1rem;align-items:baseline;padding:.4rem 0;border-top:1px solid var(--line)}
@media(max-width:46rem){li{grid-template-columns:minmax(0,1fr)}}
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

export function page(o: {
  routes: readonly ControlRoute[];
  addresses: Addresses;
  seed: number;
  strict: boolean;
}): HttpAnswer {
  const { addresses } = o;
  const services: [name: string, address: string][] = [
    ['Konnektor (mutual TLS, name konnektor.konlan)', addresses.konnektor],
    ...Object.entries(addresses.recordSystems).map(([id, address]): [string, string] => [
      `record system ${id}`,
      address,
    ]),
    ['IDP', addresses.idp],
    ['OCSP responder', `${addresses.ocsp}/ocsp`],
    ['trust-service list', `${addresses.ocsp}/TSL.xml`],
    ['control (this page)', addresses.control],
  ];
  const body = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>ePA simulator</title><style>${STYLE}</style></head>
<body>
<h1>ePA simulator</h1>
<p class="warn"><strong>TEST-ONLY.</strong> Use invented people only. Whoever reaches this port may do everything.</p>
<p>Simulated Konnektor, card terminal, SMC-B, IDP, two record systems and OCSP responder. Everything lives in memory and
ends with the process. This page and the calls below are no part of any specification.</p>
<p>Seed <code>${o.seed}</code> decided what the specifications leave open; checks are ${o.strict ? 'strict' : 'lenient'}.</p>
<h2>Services</h2>
<ul>
${services.map(([name, address]) => `<li><span>${escapeText(name)}</span><code>${escapeText(address)}</code></li>`).join('\n')}
</ul>
<h2>Calls of the control API</h2>
<ul>
${o.routes.map(call).join('\n')}
</ul>
<h2>Cards and PINs: members of PATCH /sim/cards/{iccsn}</h2>
${explained(CARD_MEMBER_WORDS)}
<h2>Values of pinStatus</h2>
${explained(PIN_STATUS_WORDS)}
<h2>Values of enteredPin: what the person at the terminal does</h2>
${explained(ENTERED_PIN_WORDS)}
<p class="soft">docs/simulator.md tells more of cards and scenarios, docs/faults.md lists every fault, docs/divergences.md what is not simulated.</p>
</body>
</html>
`;
  return {
    status: 200,
    headers: [
      ['Content-Type', 'text/html; charset=utf-8'],
      [
        'Content-Security-Policy',
        `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      ],
    ],
    body,
  };
}

function explained(words: Readonly<Record<string, string>>): string {
  const lines = Object.entries(words).map(
    ([name, text]) => `<li><code>${escapeText(name)}</code><span>${escapeText(text)}</span></li>`,
  );
  return `<ul>\n${lines.join('\n')}\n</ul>`;
}

function call({ method, path }: ControlRoute): string {
  const text = escapeText(path);
  const shown = method === 'GET' && !path.includes('{') ? `<a href="${text}">${text}</a>` : text;
  return `<li><code>${method} ${shown}</code><span>${escapeText(CALLS[`${method} ${path}`] ?? '')}</span></li>`;
}
