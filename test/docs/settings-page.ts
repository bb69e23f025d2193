// docs/settings.md, printed from the settings manifest, with a commented example that a test puts through the same manifest.
import { describeSettings, type SettingDescription, variableOf } from '../../gateway/config.ts';

const HEAD = `# Settings

Printed from \`gateway/tables/settings-manifest.ts\`; do not edit (\`node bin/launch.js test/docs/print.ts\`).

The gateway reads one file, YAML or JSON, named by \`EPA_GATEWAY_CONFIG\`. \`EPA_GATEWAY_DATA\` names the data directory. Each
setting that is not in a list has a variable of its own, which wins over the file. What is wrong is reported all at once, by
the setting's name and never by its value; the process then ends with exit code 2. Unknown settings and unknown
\`EPA_GATEWAY_…\` variables are faults too.

"Mandatory" inside a list (\`[]\`) or an optional group (\`listen.tls\`, \`admin.tls\`) means: where there is an entry or the group.
Files with keys must be readable by their owner only (mode 0600 or 0400).

Only in environment SIM: plain HTTP (and only on loopback), bearer keys of operators, \`session.reuse: false\`. Never in PU:
\`session.vauTracing\`. In this version operators have no other credential, so outside SIM the admin listener answers its open
calls only.

`;

const EXAMPLE = `# /etc/epa-gateway/gateway.yaml: reference environment (RU), one Konnektor, two record systems, one DiGA.
# Names ending in .example stand for what your provider told you.
environment: RU
# EPA_GATEWAY_DATA names it too.
dataDirectory: /var/lib/epa-gateway
# head -c 32 /dev/urandom > master.key; chmod 0400 master.key. Without it the stored data cannot be read: keep a copy safe.
masterKeyFile: /etc/epa-gateway/master.key
# The ClientID that gematik registered for you, a slash, a version of your choice.
userAgent: YOURCLIENTID00000000/0.1.0

listen: # for the DiGA backend
  host: 10.0.0.10
  port: 8443
  tls: { certFile: /etc/epa-gateway/api.pem, keyFile: /etc/epa-gateway/api-key.pem }
admin: # for operators and Prometheus; another network if you can
  host: 10.1.0.10
  port: 8444
  tls: { certFile: /etc/epa-gateway/admin.pem, keyFile: /etc/epa-gateway/admin-key.pem }

trust: # PEM files of exactly this environment
  rootsFile: /etc/epa-gateway/ti-roots.pem
  intermediatesFile: /etc/epa-gateway/ti-cas.pem
  ocspSignersFile: /etc/epa-gateway/ocsp-signers.pem

konnektors:
  - id: k1
    url: https://konnektor.example
    # The name in its TLS certificate, which is seldom its network name.
    serverName: konnektor.konlan
    caFile: /etc/epa-gateway/konnektor-ca.pem
    clientCertificate: /etc/epa-gateway/konnektor-client.pem
    clientKey: /etc/epa-gateway/konnektor-client-key.pem
    # The call context as the Konnektor's administration knows it.
    mandant: Mandant1
    clientSystem: EpaGateway
    workplace: Workplace1

idp:
  issuer: https://idp-ref.example
  caFile: /etc/epa-gateway/ti-roots.pem
  # Where the record systems send the gateway besides the issuer itself.
  origins:
    - { origin: https://idp-ref-internet.example, caFile: /etc/epa-gateway/ti-roots.pem }

recordSystems:
  - { id: epa-as-1, url: https://epa-as-1.example, caFile: /etc/epa-gateway/ti-roots.pem }
  - { id: epa-as-2, url: https://epa-as-2.example, caFile: /etc/epa-gateway/ti-roots.pem }

digas:
  - id: my-diga
    name: My DiGA
    manufacturer: My DiGA GmbH
    telematikId: 9-MY-DIGA-0001
    konnektors: [k1]
    # What the documents say about the app; as BfArM's directory has it.
    app:
      veId: "12345"
      pzn: "00000017"
      versions:
        - { name: Softwareversion, value: "3.2" }
      manufacturer:
        url: https://my-diga.example
        address: { street: Musterweg, houseNumber: "1", postalCode: "10115", city: Berlin, country: D }

clients: # the backends; one line of 16 to 512 visible ASCII characters per key file
  - { id: my-backend, diga: my-diga, roles: [writer, reader], keyFile: /etc/epa-gateway/my-backend.key }
`;

/** The example as YAML, for the test. */
export const exampleSettings = EXAMPLE;

/** The whole file. */
export function settingsPage(): string {
  const rows = describeSettings().map(row);
  return `${HEAD}| setting | variable | form | default | meaning |\n|---|---|---|---|---|\n${rows.join('\n')}

## Example

\`\`\`yaml
${EXAMPLE}\`\`\`
`;
}

function row({ key, type, default: preset, description }: SettingDescription): string {
  const variable =
    key === 'dataDirectory'
      ? '`EPA_GATEWAY_DATA`'
      : key.includes('[') || type.startsWith('list')
        ? '–'
        : `\`${variableOf(key)}\``;
  return `| \`${key}\` | ${variable} | ${cell(type)} | ${preset === 'mandatory' ? '**mandatory**' : cell(preset)} | ${cell(description)} |`;
}

const cell = (text: string) => text.replaceAll('|', '\\|');
