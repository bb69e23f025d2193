// Settings of the work with exports: limits, sessions, location, store and retention.
import { z } from 'zod';
import { file, seconds } from './settings-words.ts';

export const limits = z
  .strictObject({
    documentBytes: z
      .int()
      .min(1024)
      .max(250_000_000)
      .default(25_000_000)
      .describe('Largest document (EXP-11); 25 MB in the guide.'),
    requestBytes: z
      .int()
      .min(131_072)
      .max(1_073_741_824)
      .default(250_000_000)
      .describe('Largest message to a record system, document and all around it (EXP-11); 250 MB in the guide.'),
    bodyBytes: z
      .int()
      .min(4096)
      .max(1_073_741_824)
      .default(33_554_432)
      .describe('Largest JSON body of a request, 32 MiB.'),
    waitingBytes: z
      .int()
      .min(4096)
      .max(8_589_934_592)
      .default(268_435_456)
      .describe(
        'Bodies above 128 KiB that wait to be judged or built, all together; more are refused (429). Of forms, which wait in the store, twice as much.',
      ),
    requestsPerSecond: z.int().min(1).max(100_000).default(200).describe('Requests a second of one client (D19).'),
    failedPerKeyPerMinute: z
      .int()
      .min(1)
      .max(10_000)
      .default(10)
      .describe('Failed authentications a minute with one presented key (D19).'),
    failedPerAddressPerMinute: z
      .int()
      .min(1)
      .max(100_000)
      .default(300)
      .describe('Failed authentications a minute from one address (D19).'),
  })
  .prefault({});

export const session = z
  .strictObject({
    maxAgeSeconds: seconds(30, 86_400)
      .default(1080)
      .describe('A signed-on channel is renewed at this age; 20 minutes in the specification (D12, SES-02).'),
    renewalsEverySeconds: seconds(0, 86_400)
      .default(900)
      .describe('At most one renewal for refused entitlements per record system in this time (D11).'),
    reuse: z
      .boolean()
      .default(true)
      .describe('One channel for many insured; false makes a login for each export and exists in SIM only (D16).'),
    channels: z
      .int()
      .min(1)
      .max(8)
      .default(1)
      .describe(
        'Channels for small exports per record system and DiGA; another one is opened when all have a queue (D13).',
      ),
    largeBytes: z
      .int()
      .min(65_536)
      .max(250_000_000)
      .default(1_048_576)
      .describe('Documents from this size on go on a channel of their own, beside the small ones (D13).'),
    vauTracing: z.boolean().default(false).describe('Send VAU-nonPU-Tracing (A_24477): SIM, RU and TU only (D16).'),
  })
  .prefault({});

export const locate = z
  .strictObject({
    cacheSeconds: seconds(0, 604_800)
      .default(86_400)
      .describe('How long the record system found for an insured is remembered (EXP-22).'),
    graceSeconds: z
      .number()
      .min(0)
      .max(60)
      .default(2)
      .describe('How long the others are waited for once one record system has said that the record is there (D12).'),
    suspendedRetrySeconds: seconds(60, 604_800)
      .default(86_400)
      .describe('A record that is suspended (409, moving) is tried again after this time (EXP-23).'),
    busyRetrySeconds: seconds(1, 86_400)
      .default(600)
      .describe('A record system that is busy or has an internal error is tried again after this time (EXP-23).'),
  })
  .prefault({});

export const egress = z
  .strictObject({
    answerSeconds: seconds(1, 600)
      .default(20)
      .describe('Limit for an outside answer; ITI-41 gets 1 s more per MB (D22).'),
  })
  .prefault({});

export const worker = z
  .strictObject({
    concurrency: z.int().min(1).max(256).default(16).describe('Exports on their way at the same time.'),
    largeConcurrency: z
      .int()
      .min(1)
      .max(64)
      .default(2)
      .describe('Beside them: exports with a document from session.largeBytes on (D13).'),
    stopSeconds: seconds(0, 300).default(25).describe('How long a stop waits for exports on the wire.'),
    leaseSeconds: seconds(1, 3600)
      .default(30)
      .describe(
        'On PostgreSQL: how long an export belongs to a gateway that no longer shows a sign of life; then another takes it up (D9).',
      ),
  })
  .prefault({});

const postgres = z
  .strictObject({
    url: z
      .string()
      .regex(
        /^postgres(ql)?:\/\/[^\s:@/?#]+@[^\s:@/?#,]+(:[0-9]{1,5})?\/[^\s/?#]+$|^postgres(ql)?:\/\/[^\s:@/?#]+@\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?\/[^\s/?#]+$/,
        'postgres://user@host:port/database, without password and options',
      )
      .describe('Where PostgreSQL answers and as whom; every gateway that names the same one shares its work (D9).'),
    schema: z
      .string()
      .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'one to 63 of a-z 0-9 _')
      .default('epa_gateway')
      .describe('Schema of the tables; made at the first start where it is missing.'),
    passwordFile: file.optional().describe('File with the password, one line; readable by the owner only.'),
    caFile: file
      .optional()
      .describe('Trust anchors of its TLS certificate, PEM. Without it there is no TLS: only in SIM and on loopback.'),
    querySeconds: seconds(1, 600)
      .default(30)
      .describe(
        'A query without an answer for so long is given up with its connection; not while the schema is raised.',
      ),
  })
  .describe('The store lies in this PostgreSQL instead of a file in the data directory.');

export const store = z.strictObject({ postgres: postgres.optional() }).prefault({});

export const retention = z
  .strictObject({
    failedContentDays: z
      .int()
      .min(1)
      .max(90)
      .default(14)
      .describe('Content of refused and failed exports is erased after this time (RET-01).'),
    approvalDays: z
      .int()
      .min(1)
      .max(90)
      .default(30)
      .describe('An export waits this long for the approval of the insured, then it is cancelled (EXP-24).'),
    unclearDays: z
      .int()
      .min(1)
      .max(90)
      .default(90)
      .describe(
        'An unclear export keeps its content and is repeated this long; then its series waits for an import (RET-01, D1).',
      ),
    kvnrGraceDays: z
      .int()
      .min(0)
      .max(366)
      .default(92)
      .describe('The KVNR is erased this long after the end of the latest prescription (RET-03).'),
  })
  .prefault({});
