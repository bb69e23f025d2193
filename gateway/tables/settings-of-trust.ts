// Settings of whom the gateway trusts in the TI: its CAs, the IDP and the record systems.
import { z } from 'zod';
import { file, httpsUrl, id, pins } from './settings-words.ts';

export const trust = z.strictObject({
  rootsFile: file.describe('TI roots of this environment, PEM.'),
  intermediatesFile: file.optional().describe('TI CAs of this environment, PEM; mandatory without tsl.'),
  ocspSignersFile: file.optional().describe('Certificates of the OCSP responders, PEM; mandatory without tsl.'),
  tsl: z
    .strictObject({
      url: z
        .url({ protocol: /^https?$/, hostname: /^[^@]+$/ })
        .max(2048)
        .optional()
        .describe('Where the list is published; its content is signed, so plain http will do (D18). This or file.'),
      file: file.optional().describe('The list as a file that somebody keeps up to date, for closed networks.'),
      caFile: file.optional().describe('Trust anchors of the TLS certificate at an https address, PEM.'),
      signerFile: file.describe(
        'Certificates of the signers of the list, or of the CA that issues them, PEM: an anchor of its own.',
      ),
      graceDays: z
        .int()
        .min(0)
        .max(90)
        .default(30)
        .describe(
          'How long after its NextUpdate a list stays in force; then nothing that stands on it is trusted (CRT-05).',
        ),
    })
    .optional()
    .describe('Trust-service list of this environment: CAs and OCSP responders are taken from it as well.'),
  ocsp: z
    .strictObject({
      url: z
        .url({ protocol: /^https?$/, hostname: /^[^@]+$/ })
        .max(2048)
        .describe(
          'OCSP responder for the certificates of SMC-Bs; its answers are signed, so plain http will do (D18). In PU the group trust.ocsp is mandatory (CRT-04).',
        ),
      caFile: file.optional().describe('Trust anchors of the TLS certificate at an https address, PEM.'),
      cacheHours: z
        .int()
        .min(1)
        .max(24)
        .default(12)
        .describe('How long an answer without nextUpdate counts; one with it counts until then (CRT-04).'),
      graceHours: z
        .int()
        .min(0)
        .max(336)
        .default(72)
        .describe(
          'How long a card goes on after its last good answer has run out, or after the first question without any, while the responder cannot be asked; then it is not used (CRT-04).',
        ),
    })
    .optional()
    .describe(
      'Whether cards are revoked is asked here before they are used. Without it only IDP and record systems ask at each login.',
    ),
});

export const idp = z.strictObject({
  issuer: httpsUrl.describe('Issuer of the central IDP; discovery is read below it (SES-05).'),
  caFile: file.describe('Trust anchors of its TLS certificate, PEM.'),
  pins,
  origins: z
    .array(
      z.strictObject({
        origin: httpsUrl.describe('Further origin of the same IDP (its internet name beside its name inside the TI).'),
        caFile: file.describe('Trust anchors of the TLS certificate there, PEM.'),
        pins,
      }),
    )
    .max(8)
    .default([])
    .describe('Where its endpoints and Locations may lie besides the issuer (D18).'),
});

const recordSystem = z.strictObject({
  id: id.describe('Name of this record system in answers, logs and metrics.'),
  url: httpsUrl.describe('Origin of the record system (A_24592-02: a list, by configuration).'),
  caFile: file.describe('Trust anchors of its TLS certificate, PEM.'),
  pins,
});

export const recordSystems = z.array(recordSystem).min(1).max(16);
