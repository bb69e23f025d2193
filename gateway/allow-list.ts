// The allow-list of everything outside (D18), made of the settings and the files they name: nothing else can be reached, whatever
// an answer names.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { clientTlsOptions } from '../wire/tls.ts';
import type { Settings } from './config.ts';
import { GatewayError } from './errors.ts';
import { konnektorWay } from './konnektor-access.ts';

/** Every origin by its purpose. GatewayError CONFIG_INVALID for certificates that cannot be used. */
export function allowList(settings: Settings, now: number) {
  const read = (path: string) => readFileSync(path, 'utf8');
  return {
    konnektor: settings.konnektors.map((k, n) => {
      const { way, faults } = konnektorWay(k, now);
      if (way !== undefined) {
        const { ca, cert, key } = way.target;
        if (ca !== undefined) usable(`konnektors[${n}]`, { ca: [ca].flat().join('\n'), cert, key });
        return way.target;
      }
      // The settings were read a moment ago: a file has changed since.
      const [first] = faults;
      throw new GatewayError('CONFIG_INVALID', `konnektors[${n}].${first?.setting} ${first?.message}`);
    }),
    tsl: (settings.trust.tsl?.url === undefined ? [] : [settings.trust.tsl]).map(({ url = '', caFile }) => ({
      origin: new URL(url).origin,
      ...(caFile !== undefined && usable('trust.tsl', { ca: read(caFile) })),
    })),
    ocsp: (settings.trust.ocsp === undefined ? [] : [settings.trust.ocsp]).map(({ url, caFile }) => ({
      origin: new URL(url).origin,
      ...(caFile !== undefined && usable('trust.ocsp', { ca: read(caFile) })),
    })),
    'record-system': settings.recordSystems.map((r, n) => ({
      origin: new URL(r.url).origin,
      ...usable(`recordSystems[${n}]`, { ca: read(r.caFile) }),
      pins: r.pins,
    })),
    'token-keys': settings.tokenIssuers.flatMap((t, n) =>
      t.jwksUrl === undefined || t.caFile === undefined
        ? []
        : [
            {
              id: t.issuer,
              origin: new URL(t.jwksUrl).origin,
              ...usable(`tokenIssuers[${n}]`, { ca: read(t.caFile) }),
            },
          ],
    ),
    idp: [{ ...settings.idp, origin: settings.idp.issuer }, ...settings.idp.origins].map((i, n) => ({
      origin: new URL(i.origin).origin,
      ...usable(n === 0 ? 'idp' : `idp.origins[${n - 1}]`, { ca: read(i.caFile) }),
      pins: i.pins,
    })),
  };
}

/** OpenSSL passes over an anchor it cannot read, and looks at our own key when it is first needed: said now instead. */
function usable<Material extends { ca: string; cert?: string; key?: string }>(entry: string, material: Material) {
  try {
    createSecureContext(clientTlsOptions(material));
    for (const [block] of material.ca.matchAll(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g))
      new X509Certificate(block);
    return material;
  } catch (cause) {
    const what = 'caFile, or the client certificate and its key, cannot be used for TLS';
    throw new GatewayError('CONFIG_INVALID', `${entry}: ${what}`, { cause });
  }
}
