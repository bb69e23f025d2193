// Settings of Konnektors and the look at their cards (KON-01..03, KON-06, KON-11).
import { z } from 'zod';
import { file, id, pins, seconds } from './settings-words.ts';

const konnektor = z.strictObject({
  id: id.describe('Name of this Konnektor in settings, logs and metrics.'),
  url: z
    .url({ protocol: /^https?$/, hostname: /^[^@]+$/ })
    .describe(
      'Base address; connector.sds is read below it (KON-01). https; plain http in SIM on loopback only (KON-03, D16).',
    ),
  serverName: z
    .string()
    .min(1)
    .max(253)
    .default('konnektor.konlan')
    .describe('Name that its TLS certificate must carry; often not the network name (KON-04).'),
  caFile: file.optional().describe('Trust anchors of its TLS certificate, PEM; mandatory for https.'),
  pins,
  clientCertificate: file
    .optional()
    .describe(
      'Client certificate shown to it, PEM, with what lies between it and its root (KON-03). This or clientPkcs12.',
    ),
  clientKey: file
    .optional()
    .describe('Private key of the client certificate, PEM without a passphrase; readable by the owner only.'),
  clientPkcs12: file
    .optional()
    .describe('Client certificate and its key as the Konnektor hands them out, PKCS#12; readable by the owner only.'),
  clientPkcs12PasswordFile: file
    .optional()
    .describe('File with the password of clientPkcs12, one line; readable by the owner only.'),
  basicAuthentication: z
    .strictObject({
      user: z
        .string()
        .regex(/^[^:\p{Cc}\p{Cs}]{1,64}$/u, 'one to 64 characters without a colon')
        .describe('User of this client system at the Konnektor.'),
      passwordFile: file.describe('File with the password, one line; readable by the owner only.'),
    })
    .optional()
    .describe('Instead of a client certificate, or beside it (konnektor.md 7).'),
  weakRsaUntil: z.iso
    .date()
    .optional()
    .describe(
      "Last day on which RSA keys below 3000 bits are accepted, ours and the Konnektor's; at most 400 days ahead, with a standing warning, never in PU (CRT-07).",
    ),
  proxy: z
    .strictObject({
      url: z
        .url({ protocol: /^https?$/, hostname: /^[^@]+$/ })
        .describe('Forward proxy that opens a tunnel to the Konnektor (HTTP CONNECT); no path, no credentials in it.'),
      caFile: file.optional().describe('Trust anchors of the TLS certificate of an https proxy, PEM.'),
      user: z
        .string()
        .regex(/^[^:\p{Cc}\p{Cs}]{1,64}$/u, 'one to 64 characters without a colon')
        .optional()
        .describe('User at the proxy; with passwordFile.'),
      passwordFile: file.optional().describe('File with the password there, one line; readable by the owner only.'),
    })
    .optional(),
  rewriteEndpoints: z
    .boolean()
    .default(true)
    .describe(
      'Of the addresses that connector.sds lists only the path counts; false: one on another origin than url is refused (D18).',
    ),
  mandant: id.describe('MandantId of the call context (KON-02).'),
  clientSystem: id.describe('ClientSystemId of the call context.'),
  workplace: id.describe('WorkplaceId of the call context.'),
  userId: id.optional().describe('UserId of the call context; of no meaning for an SMC-B.'),
  events: z
    .strictObject({
      listen: z.strictObject({
        host: z.string().min(1).max(255).default('127.0.0.1').describe('Address of the receiver of its events (CETP).'),
        port: z.int().min(0).max(65535).describe('Port of the receiver; 0 takes a free one.'),
        tls: z
          .strictObject({
            certFile: file.describe('Certificate chain of the receiver, PEM; the Konnektor must trust it.'),
            keyFile: file.describe('Its private key, PEM; readable by the owner only.'),
            clientCaFile: file
              .optional()
              .describe(
                'Trust anchors of the certificate that the Konnektor must show, PEM; mandatory outside SIM, without it none is asked for.',
              ),
          })
          .optional()
          .describe('TLS of the receiver.'),
      }),
      eventTo: z
        .string()
        .regex(/^cetp:\/\/[A-Za-z0-9.\-[\]:]{1,200}$/, 'a cetp:// address')
        .optional()
        .describe('Address under which the Konnektor reaches the receiver; without it cetp:// and where it listens.'),
    })
    .optional()
    .describe(
      'Events of this Konnektor, each of which only makes the gateway look at it sooner; without them it looks by cards.pollSeconds.',
    ),
});

export const konnektors = z.array(konnektor).min(1);

export const cards = z
  .strictObject({
    pollSeconds: seconds(1, 3600)
      .default(60)
      .describe('How often each Konnektor is asked for its state, terminals, cards and their PIN (KON-06).'),
    probeSeconds: seconds(1, 300)
      .default(5)
      .describe('How often one that does not answer, or where a card or terminal is amiss, is asked again (KON-11).'),
  })
  .prefault({});
