// How one Konnektor is reached, from its settings and the files they name (KON-03, KON-04, CRT-07; konnektor.md 7): client
// certificate as PEM or PKCS#12, basic authentication, anchors, pins, proxy. Every fault is found at once, by the setting's name.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { isAcceptedKey, weakRsaBits } from '../certs/algorithms.ts';
import { CertError } from '../certs/error.ts';
import { PKCS12_CONTENTS, readPkcs12 } from '../certs/pkcs12.ts';
import type { KonnektorSettings } from './config.ts';
import type { EgressTarget } from './egress.ts';

/** A setting of the entry and what is wrong with it; never a value. */
export type AccessFault = { setting: string; message: string };
/** Something that works and should not stay so. */
export type AccessWarning = { kind: 'weak-rsa' | 'legacy-file' | 'unauthenticated'; reason: string };

export type KonnektorWay = { target: EgressTarget; warnings: AccessWarning[] };
type Identity = { cert: string; key: string };

/** Reads what the entry names. With any fault there is no way, as a half of one would be another than was meant. */
export function konnektorWay(
  k: KonnektorSettings,
  now: number,
): { way: KonnektorWay; faults: [] } | { way: undefined; faults: AccessFault[] } {
  const faults: AccessFault[] = [];
  const warnings: AccessWarning[] = [];
  const fault = (setting: string, message: string): undefined => void faults.push({ setting, message });
  const files = openFiles(fault);
  const weakUntil = k.weakRsaUntil === undefined ? undefined : endOf(k.weakRsaUntil);
  const weakRsa = weakUntil !== undefined && now < weakUntil;
  if (k.weakRsaUntil !== undefined && !weakRsa) fault('weakRsaUntil', 'has passed: take it out (CRT-07)');
  if (k.weakRsaUntil !== undefined && Date.parse(k.weakRsaUntil) > now + 400 * DAY)
    fault('weakRsaUntil', 'lies more than 400 days ahead (CRT-07)');

  const https = k.url.startsWith('https:');
  const ca = anchorsOf('caFile', k.caFile, https, { fault, files });
  const identity = readIdentity(k, { fault, files, warnings, weakRsa });
  if (!https && (k.clientCertificate ?? k.clientPkcs12) !== undefined)
    fault(k.clientCertificate === undefined ? 'clientPkcs12' : 'clientCertificate', 'is for an https address only');
  if (weakRsa && warnings.every(({ kind }) => kind !== 'weak-rsa'))
    warnings.push({
      kind: 'weak-rsa',
      reason: `RSA keys of the Konnektor below 3000 bits are accepted until ${k.weakRsaUntil}`,
    });
  const basic = k.basicAuthentication;
  const password = basic && files.line('basicAuthentication.passwordFile', basic.passwordFile);
  if (identity === undefined && basic === undefined && faults.length === 0)
    warnings.push({
      kind: 'unauthenticated',
      reason: 'neither a client certificate nor basicAuthentication is configured',
    });
  const proxy = readProxy(k, https, { fault, files });
  if (faults.length > 0) return { way: undefined, faults };
  const target: EgressTarget = {
    id: k.id,
    origin: new URL(k.url).origin,
    ...(https && { ...(ca !== undefined && { ca }), servername: k.serverName, pins: k.pins, strongKey: true }),
    ...(https && weakRsa && { weakKeysUntil: weakUntil }),
    ...identity,
    ...(basic && { authorization: basicOf(basic.user, password ?? '') }),
    ...(proxy && { proxy }),
  };
  return { way: { target, warnings }, faults: [] };
}

type Reading = { fault: (setting: string, message: string) => undefined; files: ReturnType<typeof openFiles> };

function anchorsOf(setting: string, path: string | undefined, https: boolean, { fault, files }: Reading) {
  if (path === undefined) return https ? fault(setting, 'is missing: the address is https') : undefined;
  if (!https) return fault(setting, 'is for an https address only');
  const pem = files.text(setting, path);
  if (pem !== undefined && certificatesOf(pem).length === 0)
    return fault(setting, 'holds no readable certificate (PEM)');
  return pem;
}

/** PEM or PKCS#12, with the key judged (CRT-07). Undefined where there is none, or a fault was found. */
function readIdentity(
  k: KonnektorSettings,
  { fault, files, warnings, weakRsa }: Reading & { warnings: AccessWarning[]; weakRsa: boolean },
): Identity | undefined {
  if (k.clientPkcs12 !== undefined && (k.clientCertificate ?? k.clientKey) !== undefined)
    return fault('clientPkcs12', 'stands beside clientCertificate or clientKey: one of both');
  if (k.clientPkcs12 === undefined && k.clientPkcs12PasswordFile !== undefined)
    return fault('clientPkcs12', 'is missing: clientPkcs12PasswordFile is there');
  const setting = k.clientPkcs12 === undefined ? 'clientCertificate' : 'clientPkcs12';
  const judged = (key: KeyObject, identity: Identity): Identity | undefined => {
    const bits = weakRsaBits(key);
    if (bits === undefined && !isAcceptedKey(key))
      return fault(setting, 'has a key of a kind that is not used (CRT-07)');
    if (bits === undefined) return identity;
    if (!weakRsa || bits < 2048)
      return fault(
        setting,
        `has an RSA key of ${bits} bits, and 3000 are needed (CRT-07): have the Konnektor issue one on an elliptic curve${bits < 2048 ? '' : ', or in a laboratory name a day in weakRsaUntil'}`,
      );
    warnings.push({ kind: 'weak-rsa', reason: `RSA key of ${bits} bits, accepted until ${k.weakRsaUntil}` });
    return identity;
  };
  if (k.clientPkcs12 !== undefined) {
    const file = files.bytes(setting, k.clientPkcs12, true);
    if (k.clientPkcs12PasswordFile === undefined)
      return fault('clientPkcs12PasswordFile', 'is missing: the password of clientPkcs12 (an empty file for none)');
    const password = files.line('clientPkcs12PasswordFile', k.clientPkcs12PasswordFile, true);
    if (file === undefined || password === undefined) return undefined;
    try {
      const { key, chain, certificate, legacy } = readPkcs12(file, password);
      const again =
        'encrypted by RC2-40: export it again, with AES (openssl pkcs12 -legacy, then openssl pkcs12 -export)';
      if (legacy) warnings.push({ kind: 'legacy-file', reason: `clientPkcs12 is ${again}` });
      return judged(certificate.publicKey, { cert: chain, key });
    } catch (thrown) {
      if (!(thrown instanceof CertError)) throw thrown;
      if (thrown.code !== 'PKCS12_PASSWORD') return fault(setting, thrown.message);
      return fault(
        'clientPkcs12PasswordFile',
        `is not the password of clientPkcs12: try it by hand (${PKCS12_CONTENTS})`,
      );
    }
  }
  if (k.clientCertificate === undefined && k.clientKey === undefined) return undefined;
  if (k.clientCertificate === undefined) return fault('clientCertificate', 'is missing: clientKey is there');
  if (k.clientKey === undefined) return fault('clientKey', 'is missing: clientCertificate is there');
  const cert = files.text('clientCertificate', k.clientCertificate);
  const key = files.text('clientKey', k.clientKey, true);
  if (cert === undefined || key === undefined) return undefined;
  const [leaf] = certificatesOf(cert);
  if (leaf === undefined) return fault('clientCertificate', 'holds no readable certificate (PEM)');
  const privateKey = privateKeyOf(key);
  if (privateKey === undefined)
    return fault(
      'clientKey',
      /ENCRYPTED/.test(key)
        ? 'has a passphrase: take it out (openssl pkey -in FILE -out NEW.pem), or use clientPkcs12'
        : 'holds no readable private key (PEM)',
    );
  if (!leaf.checkPrivateKey(privateKey)) return fault('clientKey', 'is not the key of clientCertificate');
  return judged(leaf.publicKey, { cert, key });
}

function readProxy(k: KonnektorSettings, https: boolean, { fault, files }: Reading): EgressTarget['proxy'] {
  const { proxy } = k;
  if (proxy === undefined) return undefined;
  if (!https) return fault('proxy', 'is for an https address only');
  const { protocol, username, password: inUrl, pathname, search } = new URL(proxy.url);
  if (username !== '' || inUrl !== '' || pathname !== '/' || search !== '')
    fault('proxy.url', 'must be scheme, host and port alone: credentials belong to user and passwordFile');
  const secure = protocol === 'https:';
  const ca = anchorsOf('proxy.caFile', proxy.caFile, secure, { fault, files });
  if (proxy.user !== undefined && proxy.passwordFile === undefined)
    fault('proxy.passwordFile', 'is missing: user is there');
  if (proxy.user === undefined && proxy.passwordFile !== undefined)
    fault('proxy.user', 'is missing: passwordFile is there');
  const password = proxy.passwordFile && files.line('proxy.passwordFile', proxy.passwordFile);
  return {
    url: proxy.url,
    ...(ca !== undefined && { ca }),
    ...(proxy.user !== undefined && { authorization: basicOf(proxy.user, password ?? '') }),
  };
}

/** RFC 7617, UTF-8. */
const basicOf = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** Each reader says by the setting what is wrong and answers undefined then. */
function openFiles(fault: (setting: string, message: string) => undefined) {
  const bytes = (setting: string, path: string, secret = false): Buffer | undefined => {
    try {
      const content = readFileSync(path);
      // What else is wrong with it is said in the same round: with any fault there is no way anyway.
      if (secret && (statSync(path).mode & 0o077) !== 0)
        fault(setting, 'is readable by others than its owner: set mode 0600');
      return content;
    } catch {
      return fault(setting, 'cannot be read');
    }
  };
  return {
    bytes,
    text: (setting: string, path: string, secret = false) => bytes(setting, path, secret)?.toString('utf8'),
    /** A password. */
    line: (setting: string, path: string, emptyToo = false): string | undefined => {
      const line = bytes(setting, path, true)
        ?.toString('utf8')
        .replace(/\r?\n$/, '');
      if (line === undefined) return undefined;
      if (/\p{Cc}/u.test(line) || line.length > 512 || (line === '' && !emptyToo))
        return fault(setting, 'must hold one line of text');
      return line;
    },
  };
}

/** None where one of them cannot be read: OpenSSL would pass over it. */
function certificatesOf(pem: string): X509Certificate[] {
  try {
    return [...pem.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)].map(
      ([block]) => new X509Certificate(block),
    );
  } catch {
    return [];
  }
}

function privateKeyOf(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

const DAY = 86_400_000;
/** The day itself still counts. */
const endOf = (day: string): number => Date.parse(day) + DAY;
