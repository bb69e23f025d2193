// What konnektor.md section 4 says of every code, written from it and not from the gateway's table: its class there, and the code
// the gateway must show where the class alone does not say it. And the operations of issue 7, Build 1.
import type { ErrorCode } from '../../gateway/errors.ts';

/** R: retry with backoff; R-long: with an alarm; R-once: then a person; H: new handle; P: a person; C: configuration; X: permanent. */
export type CodeClass = 'R' | 'R-long' | 'R-once' | 'H' | 'P' | 'C' | 'X' | 'generic';

/** A class, and what an export that meets it becomes (style.md B6). */
export const CLASS_MEANS: Readonly<Record<CodeClass, { kind: string; state: string; code: ErrorCode }>> = {
  R: { kind: 'transient', state: 'queued', code: 'KONNEKTOR_BUSY' },
  'R-long': { kind: 'operator', state: 'waiting', code: 'KONNEKTOR_NOT_OPERATIONAL' },
  'R-once': { kind: 'operator', state: 'waiting', code: 'SMCB_ACCESS_FAILED' },
  H: { kind: 'operator', state: 'waiting', code: 'SMCB_NOT_FOUND' },
  P: { kind: 'operator', state: 'waiting', code: 'TERMINAL_ACTION_NEEDED' },
  C: { kind: 'operator', state: 'waiting', code: 'KONNEKTOR_CONTEXT_REFUSED' },
  X: { kind: 'operator', state: 'waiting', code: 'KONNEKTOR_FAULT' },
  generic: { kind: 'operator', state: 'waiting', code: 'KONNEKTOR_FAULT' },
};

const rows: [CodeClass, number[]][] = [
  ['R', [4001, 4018, 4032, 4039, 4040, 4044, 4050, 4060, 4093, 4094, 4222, 4278, 1]],
  ['R-long', [4002, 4174]],
  ['R-once', [4045, 4048, 103]],
  ['H', [4008, 4047, 4101]],
  ['P', [4041, 4043, 4049, 4052, 4063, 4065, 4067, 4068, 4085, 4202, 4203, 101, 102]],
  [
    'C',
    [
      4003, 4004, 4005, 4006, 4007, 4009, 4010, 4011, 4012, 4014, 4015, 4016, 4020, 4021, 4053, 4066, 4071, 4092, 4095,
      4097, 4204, 4221,
    ],
  ],
  ['X', [4000, 4051, 4058, 4064, 4072, 4110, 4111, 4118, 4126, 4169, 4192, 4209, 4288]],
];

/** Where the class alone does not say which code of ours it is. */
const OURS: Readonly<Record<number, ErrorCode>> = {
  4040: 'TERMINAL_OFFLINE',
  4044: 'TERMINAL_OFFLINE',
  4222: 'TERMINAL_OFFLINE',
  4043: 'SMCB_PIN_NOT_VERIFIED',
  4049: 'SMCB_PIN_NOT_VERIFIED',
  4067: 'PIN_NEW_DIFFERS',
  4068: 'PIN_LENGTH_WRONG',
  4085: 'SMCB_PIN_NOT_VERIFIED',
  4063: 'SMCB_PIN_BLOCKED',
  4064: 'SMCB_PUK_BLOCKED',
  4065: 'SMCB_PIN_TRANSPORT',
};

export type CodeRow = { code: number; of: CodeClass; means: { kind: string; state: string; code: ErrorCode } };

const named = new Map(rows.flatMap(([of, codes]) => codes.map((code) => [code, of] as const)));
for (let code = 1; code <= 114; code++) if (!named.has(code)) named.set(code, 'generic');

export const CODES: readonly CodeRow[] = [...named]
  .toSorted(([a], [b]) => a - b)
  .map(([code, of]) => ({ code, of, means: { ...CLASS_MEANS[of], ...(OURS[code] && { code: OURS[code] }) } }));

/** Those that the reference names one by one. */
export const NAMED_CODES = CODES.filter(({ of }) => of !== 'generic');

export const OPERATIONS = [
  'GetCards',
  'GetCardTerminals',
  'GetResourceInformation',
  'Subscribe',
  'RenewSubscriptions',
  'Unsubscribe',
  'GetSubscription',
  'VerifyPin',
  'ChangePin',
  'UnblockPin',
  'GetPinStatus',
  'RequestCard',
  'EjectCard',
  'ReadCardCertificate',
  'CheckCertificateExpiration',
  'VerifyCertificate',
  'ExternalAuthenticate',
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Those an export meets on its way; without the list of terminals it goes on, since that only explains a missing card. */
export const ON_THE_WAY = [
  'GetCards',
  'GetCardTerminals',
  'ReadCardCertificate',
  'GetPinStatus',
  'ExternalAuthenticate',
] as const satisfies readonly Operation[];
