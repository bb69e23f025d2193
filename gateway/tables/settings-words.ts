// What the settings of several groups are made of.
import { z } from 'zod';

/** Ids appear in URLs, logs and metrics; call context values go to the Konnektor, at most 64 characters (TIP1-A_4959). */
export const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'one to 64 of A-Z a-z 0-9 _ -');
export const file = z.string().min(1).max(4096);
export const httpsUrl = z.url({ protocol: /^https$/, hostname: /^[^@]+$/ });
export const seconds = (low: number, high: number) => z.int().min(low).max(high);

export const pins = z
  .array(z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'Base64 of a SHA-256, 44 characters'))
  .max(16)
  .default([])
  .describe(
    'Pins: SHA-256 of the SubjectPublicKeyInfo of a certificate of the chain there, Base64. Where any are given one must be met, and at least two are needed, one of them a spare (CRT-10).',
  );

export const tls = z
  .strictObject({
    certFile: file.describe('Certificate chain of the listener, PEM, leaf first.'),
    keyFile: file.describe('Its private key, PEM; readable by the owner only.'),
  })
  .describe('TLS of the listener. Without it the listener speaks plain HTTP: only in SIM and only on loopback (D16).');

export const listener = (port: number, what: string) =>
  z
    .strictObject({
      host: z.string().min(1).max(255).default('127.0.0.1').describe(`Address of ${what}.`),
      port: z.int().min(0).max(65535).default(port).describe(`Port of ${what}; 0 takes a free one.`),
      tls: tls.optional(),
    })
    .prefault({});

export const certificateFiles = (listener: string) =>
  z
    .array(file)
    .max(8)
    .default([])
    .describe(
      `Its client certificates, PEM, one of which it must show beside key or token, or alone where it has neither (SEC-13, SEC-15); needs ${listener}.`,
    );
