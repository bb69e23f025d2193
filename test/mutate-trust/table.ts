// Where trust is decided, and what stands there without deciding any. Whole folders are named, so that a file written tomorrow
// belongs to them without being listed; what is left out is left out by name, with the reason.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { findMutants, type Mutant } from './find.ts';

/** `only`: of a file that mostly does other things, the checks whose removed source matches. */
type Place = { files: RegExp; only?: RegExp };

const PLACES: Record<string, readonly Place[]> = {
  certs: [{ files: /./ }],
  wire: [{ files: /^(tls|vau-.*|jose|ecdsa.*|cbor|xml-signature)\.ts$/ }],
  gateway: [{ files: /^(egress.*|trust-.*)\.ts$/ }],
  'gateway/konnektor': [{ files: /^(card-trust|smcb)\.ts$/ }],
  'gateway/record-system': [
    { files: /^(vau-.*|idp.*|login.*|outer-answer)\.ts$/ },
    // Whose session, and where the record is; how many of them and for how long is no question of trust.
    { files: /^(session|place|locat).*\.ts$/, only: /telematik|activated|ambiguous/i },
  ],
  'gateway/exports': [{ files: /^journey\.ts$/, only: /telematik/i }],
};

const OURS = 'about what we make ourselves: nobody else has a word in it';
const TOLD = 'decides which code is told, or whether to ask again; what follows refuses all the same';
const WORK = 'does the work, it judges nothing';
const TWICE = 'said twice: what follows refuses the same input with the same code';

/** By file and what was removed: a piece of it, or a pattern. */
export const NO_TRUST: readonly (readonly [file: string, removed: string | RegExp, why: string])[] = [
  ['certs/ocsp-answer.ts', "refuse('certStatus')", 'pkijs reads no fourth status'],
  ['certs/ocsp-answer.ts', 'checkDer(basic)', TWICE],
  ['certs/ocsp.ts', 'request === undefined', 'reads questions: the simulator alone is asked'],
  ['certs/extensions.ts', 'no such key usage', OURS],
  ['certs/extensions.ts', 'parts', OURS],
  ['certs/extensions.ts', 'Number.isInteger(p)', OURS],
  ['certs/extensions.ts', 'b.idBlock', 'the authority key identifier is shown, never judged by'],
  ['certs/tsl.ts', /^root\.ns !== TSL$/, 'what it holds is looked for in that namespace alone'],
  ['certs/tsl.ts', /^Number\.isNaN/, TWICE],
  ['certs/tsl.ts', "typeof child !== 'string'", 'a text has no namespace'],
  ['wire/cbor.ts', 'has no place in a CBOR message', OURS],
  ['wire/ecdsa.ts', 'this nonce gives no signature', OURS],
  ['wire/jose.ts', /^jws\.signature\.length !== 64$/, TWICE],
  ['wire/jose.ts', /^if \(namedCurve === undefined\)/, TWICE],
  ['wire/jose.ts', /^!(encodedHeader|iv|tag)$/, TWICE],
  ['wire/tls.ts', 'equals < 1', 'reads names for messages'],
  ['wire/vau-keys.ts', 'is not a private key on P-256', OURS],
  ['wire/vau-keys.ts', "ecdh.type !== 'private'", OURS],
  ['wire/vau-keys.ts', 'ecdh.asymmetricKeyDetails', OURS],
  ['wire/vau-keys.ts', 'KYBER_PRIVATE_KEY', OURS],
  ['wire/vau-keys.ts', 'private and public Kyber key', OURS],
  ['wire/vau-keys.ts', 'the ECDH key has no point', OURS],
  ['wire/vau-keys.ts', /^p\.[xy]\.length !== 32$/, TWICE],
  ['certs/pkcs12.ts', /instanceof asn1js\.(Constructed|OctetString)|^oidText\(kind\) !== PKCS7_DATA/, TWICE],
  [
    'certs/pkcs12.ts',
    /^keys\.length > 1$/,
    'keys in the part that is encrypted as a whole, where no program puts them',
  ],
  ['certs/tsl.ts', /^if \(signer === undefined\)/, 'a signature that was verified has asked for its key'],
  ['gateway/egress-answer.ts', 'instanceof Uint8Array', 'a body yields nothing but bytes; its type does not say so'],
  ['gateway/egress-handshake.ts', 'callback(', WORK],
  ['gateway/egress-proxy.ts', /^(clearTimeout\(timer\)|end\(\));?$/, WORK],
  ['gateway/egress-mail.ts', /^(TLS_CODE|TLS_WORDS)\.test/, TOLD],
  ['gateway/egress-address.ts', 'host.replace(', 'which step the doctor shows'],
  ['gateway/egress-address.ts', /^isIP\(address\) !== 0$/, 'a list of addresses has no name in it'],
  [
    'gateway/egress-pins.ts',
    /^(issuer\.ca|certificate\.checkIssued\(issuer\)|certificate\.verify\(issuer\.publicKey\))$/,
    'each says what the other two say of a chain that OpenSSL has built; all three are taken out together',
  ],
  ['wire/xml-signature.ts', "typeof child !== 'string'", 'a text has neither name nor namespace'],
  ['gateway/egress.ts', 'stands twice', OURS],
  ['gateway/egress.ts', 'clearTimeout', WORK],
  ['gateway/egress.ts', 'state.over', WORK],
  ['gateway/egress.ts', 'chunk', WORK],
  ['gateway/egress-address.ts', 'callback(', WORK],
  ['gateway/konnektor/smcb.ts', 'names no known Konnektor', OURS],
  ['gateway/record-system/vau-trust.ts', 'CertData is not served now', TOLD],
  ['gateway/record-system/vau-trust.ts', 'rca_chain holds no certificates', TWICE],
  ['gateway/record-system/vau-channel.ts', 'another length than announced', OURS],
  ['gateway/record-system/outer-answer.ts', 'RECORD_BUSY', TOLD],
  ['gateway/record-system/idp.ts', 'throw refusal(answer)', TOLD],
  ['gateway/record-system/idp.ts', "thrown.code === 'IDP_REFUSED'", TOLD],
  ['gateway/record-system/idp.ts', 'thrown instanceof GatewayError', TOLD],
  ['gateway/record-system/idp-metadata.ts', 'does not serve its metadata', TOLD],
  ['gateway/record-system/idp-metadata.ts', /^bytes\.length === 0$/, TWICE],
  ['gateway/record-system/login.ts', 'signOn(', WORK],
  ['gateway/record-system/login.ts', 'throw refused(', TOLD],
  ['gateway/record-system/login.ts', 'thrown instanceof GatewayError', TOLD],
  ['gateway/record-system/login.ts', 'RECORD_LOGIN_REFUSED', TOLD],
  ['gateway/record-system/login.ts', 'thrown.foreign', TOLD],
];

/** Where the tests of a file lie elsewhere than its name says. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  'certs/certificate.ts': ['test/unit/certs/algorithms.test.ts', 'test/unit/certs/trust.test.ts'],
  'certs/trust.ts': ['test/unit/certs/algorithms.test.ts'],
  'gateway/konnektor/card-trust.ts': ['test/unit/gateway/konnektor/smcb-not-usable.test.ts'],
  'gateway/konnektor/smcb.ts': ['test/unit/gateway/konnektor/smcb-choice.test.ts'],
  'gateway/record-system/vau-channel.ts': ['test/unit/gateway/record-system/vau-handshake.test.ts'],
  'gateway/egress.ts': ['test/unit/gateway/webhooks/attempt.test.ts'],
  'gateway/egress-address.ts': ['test/unit/gateway/webhooks/attempt.test.ts'],
  'gateway/egress-answer.ts': ['test/unit/gateway/egress.test.ts'],
  'gateway/egress-handshake.ts': ['test/unit/gateway/egress-failures.test.ts'],
  'gateway/egress-mail.ts': ['test/unit/gateway/alarms/mail-channel.test.ts'],
  'gateway/egress-pool.ts': [
    ...['test/unit/gateway/egress-connections.test.ts', 'test/unit/gateway/egress.test.ts'],
    'test/unit/gateway/webhooks/attempt.test.ts',
  ],
};

/** A mutant with the tests to ask first, `where` is its name for people and for `--judged`. */
export type Listed = Mutant & { where: string; tests: string[] };

/** All trust checks of the tree at `root`, and the exemptions that meet nothing any more. */
export function listChecks(root: string): { checks: Listed[]; stale: string[] } {
  const met = new Set<number>();
  const checks: Listed[] = [];
  for (const [folder, places] of Object.entries(PLACES)) {
    for (const name of readdirSync(join(root, folder)).toSorted()) {
      const place = places.find((one) => one.files.test(name));
      if (place === undefined || !name.endsWith('.ts')) continue;
      const file = `${folder}/${name}`;
      const tests = [...testsOf(root, file), ...(BESIDE[file] ?? [])];
      const mutants = findMutants(file, readFileSync(join(root, file), 'utf8'));
      for (const mutant of mutants.filter((one) => place.only?.test(one.removed) ?? true)) {
        const at = NO_TRUST.findIndex(
          ([path, piece]) =>
            path === file && (piece instanceof RegExp ? piece.test(mutant.removed) : mutant.removed.includes(piece)),
        );
        if (at >= 0) met.add(at);
        else checks.push({ ...mutant, where: `${file}:${mutant.line} ${mutant.operator}`, tests });
      }
    }
  }
  const stale = NO_TRUST.filter((_, at) => !met.has(at)).map(([file, piece]) => `${file}: ${piece}`);
  return { checks, stale };
}

/** Tests of the same name, in the mirrored folder: `vau-keys.test.ts` and `vau-keys-vectors.test.ts` for `vau-keys.ts`. */
function testsOf(root: string, file: string): string[] {
  const folder = join('test/unit', dirname(file));
  if (!existsSync(join(root, folder))) return [];
  const names = readdirSync(join(root, folder)).filter((one) => one.endsWith('.test.ts'));
  for (let stem = basename(file, '.ts'); stem !== ''; stem = stem.replace(/-?[^-]*$/, '')) {
    const own = names.filter((one) => one === `${stem}.test.ts` || one.startsWith(`${stem}-`));
    if (own.length > 0) return own.map((one) => `${folder}/${one}`);
  }
  return [];
}
