// Settings of alarms: levels and channels (MON-03, CRT-02).
import { z } from 'zod';
import { file, id } from './settings-words.ts';

const levels = (days: readonly number[], of: string) =>
  z
    .array(z.int().min(1).max(1825))
    .min(1)
    .max(12)
    .default([...days])
    .describe(`Days before the end of ${of} at which it is warned of, once each (CRT-02).`);

const alarmWebhook = z.strictObject({
  id: id.describe('Name of this receiver of alarms in logs and answers.'),
  url: z
    .url({ protocol: /^https?$/, hostname: /^[^@]+$/ })
    .max(2048)
    .describe('Where the alarms go: https; plain http in SIM on loopback only (D16, D18).'),
  secretFile: file.describe('File with the secret that signs them, as for webhooks of a DiGA; mode 0600.'),
  previousSecretFile: file.optional().describe('During a rotation the secret of before.'),
  caFile: file
    .optional()
    .describe('Trust anchors of its TLS certificate, PEM. Without it the public CAs that Node brings.'),
  language: z.enum(['de', 'en']).default('de').describe('Language of its remedies.'),
});

const alarmMail = z
  .strictObject({
    host: z
      .string()
      .regex(/^(?!-)[A-Za-z0-9.:-]{1,253}$/, 'a host name or an address')
      .describe('Mail server (SMTP).'),
    port: z.int().min(1).max(65535).default(465).describe('Its port: 465 for tls, 587 for starttls.'),
    security: z
      .enum(['tls', 'starttls'])
      .default('tls')
      .describe('TLS from the first byte, or by STARTTLS, without which nothing is sent.'),
    caFile: file
      .optional()
      .describe('Trust anchors of its TLS certificate, PEM. Without it the public CAs that Node brings.'),
    user: z.string().min(1).max(256).optional().describe('User at the mail server; with passwordFile.'),
    passwordFile: file.optional().describe('File with the password, one line; readable by the owner only.'),
    from: z.email().max(254).describe('Sender of the mails.'),
    to: z.array(z.email().max(254)).min(1).max(16).describe('Who gets them.'),
    language: z.enum(['de', 'en']).default('de').describe('Language of the mails.'),
  })
  .describe('Alarms by mail (MON-03).');

export const alarms = z
  .strictObject({
    webhooks: z.array(alarmWebhook).max(8).default([]).describe('Who is told of alarms by webhook (MON-03).'),
    mail: alarmMail.optional(),
    stalledHours: z
      .int()
      .min(1)
      .max(720)
      .default(24)
      .describe('An alarm when no export was written for so long while one that may run waits (MON-03).'),
    unclearHours: z
      .int()
      .min(1)
      .max(2160)
      .default(24)
      .describe('An alarm when the outcome of a write is unknown for so long (MON-03).'),
    smcbDays: levels([180, 90, 60, 30, 14, 3], "an SMC-B's certificates"),
    certificateDays: levels([60, 30, 14, 3], 'every other certificate'),
    dailyDays: z
      .int()
      .min(0)
      .max(90)
      .default(14)
      .describe('From so many days before the end on, a certificate is warned of every day (CRT-02).'),
  })
  .prefault({});
