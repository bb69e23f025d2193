// Settings of those who call: backends and operators, by key, token or certificate (SEC-13, SEC-15).
import { z } from 'zod';
import { certificateFiles, file, httpsUrl, id, seconds } from './settings-words.ts';

const tokenIssuer = z.strictObject({
  issuer: z.string().min(1).max(512).describe('`iss` of its tokens, exactly.'),
  audience: z.string().min(1).max(512).describe('`aud` that names this gateway.'),
  jwksFile: file.optional().describe('Its public keys as a JWK set; this or jwksUrl.'),
  jwksUrl: httpsUrl.optional().describe('Where its public keys are read; a new key is found without a restart.'),
  caFile: file.optional().describe('Trust anchors of the TLS certificate there, PEM.'),
  algorithms: z
    .array(z.enum(['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512', 'EdDSA']))
    .min(1)
    .default(['ES256', 'ES384', 'PS256', 'RS256'])
    .describe('Signature algorithms accepted.'),
  clockSkewSeconds: seconds(0, 300).default(30).describe('How far its clock may differ from ours.'),
});

export const tokenIssuers = z.array(tokenIssuer).max(8).default([]);

const client = z.strictObject({
  id: id.describe('Name of this API client in logs.'),
  diga: id.describe('The one DiGA that it may act for (EXP-27).'),
  roles: z
    .array(z.enum(['writer', 'reader', 'monitor']))
    .min(1)
    .describe('What it may do (SEC-14).'),
  keyFile: file.optional().describe('File with its API key, one line; readable by the owner only.'),
  token: z
    .strictObject({
      issuer: z.string().min(1).max(512).describe('One of tokenIssuers.'),
      client: z.string().min(1).max(256).describe('`client_id` (or `azp`) in its access tokens.'),
    })
    .optional()
    .describe('OAuth 2.0 access tokens instead of, or beside, an API key (SEC-13).'),
  certificateFiles: certificateFiles('listen.tls'),
});

export const clients = z.array(client).min(1);

const operator = z.strictObject({
  id: id.describe('Name of this operator.'),
  roles: z
    .array(z.enum(['operator', 'security', 'monitor']))
    .min(1)
    .describe('What it may do (SEC-14).'),
  keyFile: file.optional().describe('File with its bearer key, one line: only in SIM (D16).'),
  certificateFiles: certificateFiles('admin.tls'),
});

export const operators = z.array(operator).default([]);
