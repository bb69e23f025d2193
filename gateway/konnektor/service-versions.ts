// Which version of a service is called, and where (gemSpec_Kon TIP1-A_4968, ILF 4.1.3; konnektor.md section 6): what
// connector.sds lists against what our messages are written for.
import { GatewayError } from '../errors.ts';
import type { ConnectorServices, KonnektorAccess, ServiceVersion } from './directory.ts';
import { answerInvalid } from './faults.ts';
import { NEEDED_SERVICES, SERVICES, type ServedVersion, type ServiceName } from './tables/services.ts';

/** A listed version that our messages fit, and the namespace they then have. */
export type UsableVersion = ServiceVersion & { namespace: string };

/**
 * The versions to use, the best first: service by name, major.minor one of ours in our order, then the highest revision,
 * compared as numbers since vendors list them in any order and several side by side (ILF 4.1.3). Throws
 * KONNEKTOR_SERVICE_MISSING, which names what is listed instead (TIP1-A_4968).
 */
export function usableVersions(services: ConnectorServices, name: ServiceName): [UsableVersion, ...UsableVersion[]] {
  const served: readonly ServedVersion[] = SERVICES[name];
  const listed = services.versions.filter((version) => version.service === name);
  const usable = served.flatMap(({ major, minor, minRevision, namespace }) =>
    listed
      .map((version) => ({ ...version, namespace, numbers: numbersOf(version.version) }))
      .filter(({ numbers: [a, b, revision = -1] }) => a === major && b === minor && revision >= minRevision)
      .toSorted((a, b) => (b.numbers[2] ?? 0) - (a.numbers[2] ?? 0))
      .map(({ numbers: _, ...version }) => version),
  );
  const [best, ...others] = usable;
  if (best === undefined) throw serviceMissing(name, services);
  return [best, ...others];
}

/** `8.1.10` as three numbers; none for another form. */
const numbersOf = (version: string): number[] =>
  /^(\d{1,4})\.(\d{1,4})\.(\d{1,4})$/.exec(version)?.slice(1).map(Number) ?? [];

function serviceMissing(name: ServiceName, { versions }: ConnectorServices): GatewayError {
  const served: readonly ServedVersion[] = SERVICES[name];
  const wanted = served.map(({ major, minor, minRevision: r }) => `${major}.${minor}.x from ${major}.${minor}.${r} on`);
  // What a directory says is shown only where it has the form it should have.
  const shown = (words: string[], form: RegExp) => [...new Set(words.filter((word) => form.test(word)))].slice(0, 20);
  const own = versions.filter(({ service }) => service === name).map(({ version }) => version);
  const found = shown(own, /^[\d.]{1,14}$/);
  const others = shown(
    versions.map(({ service }) => service),
    /^[A-Za-z]{1,40}$/,
  );
  const instead =
    own.length > 0
      ? `of it there is ${found.join(', ') || 'none with a readable version'}`
      : `there is ${others.join(', ') || 'no service at all'}`;
  return new GatewayError('KONNEKTOR_SERVICE_MISSING', `lists no ${name} ${wanted.join(' or ')}; ${instead}`);
}

/** The services without which no export can be written that this directory lacks. */
export function missingServices(services: ConnectorServices): GatewayError[] {
  return NEEDED_SERVICES.flatMap((name) => {
    try {
      usableVersions(services, name);
      return [];
    } catch (thrown) {
      return thrown instanceof GatewayError ? [thrown] : [];
    }
  });
}

/** Where a service is called and in which namespace. */
export type ServiceAddress = { url: string; version: string; namespace: string };

/**
 * The address to call (D18): the best version that has an endpoint. Throws KONNEKTOR_SERVICE_MISSING, or
 * KONNEKTOR_ANSWER_INVALID for no endpoint, no URL or a foreign origin.
 */
export function serviceAddress(
  services: ConnectorServices,
  name: ServiceName,
  access: KonnektorAccess,
): ServiceAddress {
  const base = new URL(access.url);
  const tls = base.protocol === 'https:' || services.tlsMandatory;
  const versions = usableVersions(services, name);
  for (const { version, namespace, endpoint, endpointTls } of versions) {
    const url = URL.parse((tls ? endpointTls : endpoint) ?? '');
    if (url === null || !/^https?:$/.test(url.protocol)) continue;
    if (access.rewriteEndpoints ?? true)
      return { url: `${base.origin}${url.pathname}${url.search}`, version, namespace };
    if (url.origin !== base.origin || url.username !== '' || url.password !== '')
      throw answerInvalid(`the endpoint of ${name} lies on a foreign origin`, { check: 'konnektor.endpoint' });
    return { url: url.href, version, namespace };
  }
  throw answerInvalid(`${name} ${versions[0].version} has no usable endpoint`);
}
