// DiGAs beside the demo's, each with an SMC-B of its own (a scenario's `cards`), and what the gateway's configuration says of
// them: GET /sim/settings has a DiGA and a client for each, so that one gateway serves several (EXP-26, EXP-27).
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Issued } from '../certs/mint.ts';
import { type KonnektorHolder, konnektorsOf } from './konnektor/default-konnektor.ts';
import type { CertRef } from './konnektor/model.ts';
import { inventIccsn, mintSmcb, type SimPki } from './pki.ts';
import type { GatewaySettingsJson } from './settings.ts';

/** A card that a scenario adds. Names are invented ones, as everything here. */
export type CardSeed = { telematikId: string; organization: string };
export type FurtherCard = CardSeed & { iccsn: string; certificates: ReadonlyMap<CertRef, Issued> };

const DAY = 86_400_000;

/** Cards as the demo DiGA's: of the same CA, with the role of a DiGA, valid for five years. `now` in ms. */
export function mintFurtherCards(pki: SimPki, cards: readonly CardSeed[], now: number): FurtherCard[] {
  const life = { notBefore: new Date(now - DAY), notAfter: new Date(now + 5 * 365 * DAY) };
  return cards.map((card) => ({
    ...card,
    iccsn: inventIccsn(),
    certificates: mintSmcb({ ...card, smcbCa: pki.smcbCa, life }),
  }));
}

/** The first of them is `diga-2`; the demo's is the first DiGA. */
export const idOf = (index: number): string => `diga-${index + 2}`;

/** The settings with a DiGA and a client for each card; the clients' keys lie beside `caFile`, mode 0600, made where missing. */
export function withFurtherDigas({
  settings,
  cards,
  caFile,
  konnektors,
}: {
  settings: GatewaySettingsJson;
  cards: readonly CardSeed[];
  caFile: string;
  konnektors: readonly KonnektorHolder[];
}): GatewaySettingsJson {
  const [demo] = settings.digas;
  const [client] = settings.clients;
  if (demo === undefined || client === undefined) return settings;
  const digas = cards.map(({ telematikId, organization }, index) => {
    const { webhooks: _demoOnly, ...like } = demo;
    return {
      ...like,
      id: idOf(index),
      name: `DiGA ${index + 2}`,
      manufacturer: organization,
      telematikId,
      konnektors: konnektorsOf(konnektors, telematikId),
    };
  });
  const clients = digas.map(({ id }) => {
    const keyFile = join(dirname(caFile), `${id}-backend.key`);
    if (!existsSync(keyFile)) writeFileSync(keyFile, `sim_${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 });
    return { ...client, id: `${id}-backend`, diga: id, keyFile };
  });
  return { ...settings, digas: [demo, ...digas], clients: [client, ...clients] };
}
