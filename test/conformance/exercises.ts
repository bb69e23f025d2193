// What the conformance run does so that every kind of message is sent at least once: exports that are written, replaced and
// refused, over both record systems and both forms of answer, every Konnektor operation with its faults, and the refusals
// of location and login. The Konnektor's part under every vendor. Answers: the journals of all runs.
import type { JournalEntry } from '../../connector-sim/journal.ts';
import { demoDocument } from '../../demo/document.ts';
import { parseSettings, type Settings } from '../../gateway/config.ts';
import { silentLogger } from '../../gateway/log.ts';
import { createMetrics } from '../../gateway/metrics.ts';
import { createOutside } from '../../gateway/outside.ts';
import type { Session } from '../../gateway/record-system/session.ts';
import { compactJws, signingInput } from '../../wire/jose.ts';
import { exportBody, TestWorld } from '../support/world.ts';
import { konnektorStory } from './konnektor-story.ts';

/** Runs everything twice, once for each form in which a record system may answer. */
export async function runExercises(): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = [];
  for (const answerForm of ['soap', 'multipart'] as const) {
    const world = await TestWorld.start({ seed: answerForm === 'soap' ? 1 : 2 });
    world.sim.world.choices.answerForm = answerForm;
    try {
      await exportStory(world);
      await konnektorStory(world, () => settingsOf(world));
      await refusalStory(world);
      // A fault of the wire is wrong on purpose; a fault that answers within the interface is judged like any other.
      entries.push(
        ...world.sim.journal
          .entries({ after: 0 })
          .filter((one) => one.fault === null || /soap-fault|registry-error/.test(one.fault)),
      );
    } finally {
      await world.stop();
    }
  }
  return entries;
}

async function exportStory(world: TestWorld): Promise<void> {
  for (const index of [0, 1]) {
    const kvnr = world.insured(index);
    for (const version of [1, 2]) await world.write(exportBody(kvnr, demoDocument(kvnr, version, new Date())));
  }
  const kvnr = world.insured(2);
  await world.write(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
  const stranger = await world.newInsured(1, 'epa-as-1');
  for (const status of ['UNKNOWN', 'SUSPENDED']) {
    await world.control('PUT', `/sim/records/${stranger}`, { status });
    await world.write(exportBody(stranger, demoDocument(stranger, 1, new Date())));
  }
  for (const code of ['XDSRegistryMetadataError', 'XDSRepositoryBusy', 'NotEntitled']) {
    const other = await world.newInsured(10 + code.length, 'epa-as-2');
    await world.control('POST', '/sim/faults', {
      at: 'xds.iti41',
      kind: 'registry-error',
      times: 1,
      match: { kvnr: other },
      params: { code },
    });
    // Busy puts it back into the queue for minutes: idle is the rest it comes to.
    await world.post(exportBody(other, demoDocument(other, 1, new Date())));
    await world.gateway.idle();
  }
}

function settingsOf(world: TestWorld): Settings {
  const read = parseSettings({ ...world.sim.settings(), dataDirectory: '/nowhere' });
  if (!read.ok) throw new Error('the simulator offers settings the gateway refuses');
  return read.settings;
}

/** The refusals of the record systems that a right client provokes only by asking twice or too late. */
async function refusalStory(world: TestWorld): Promise<void> {
  const settings = settingsOf(world);
  const diga = settings.digas[0];
  if (diga === undefined) throw new Error('no DiGA in the settings');
  const security = { met: () => {}, connected: () => {} };
  const outside = createOutside({
    settings,
    now: Date.now,
    log: silentLogger,
    metrics: createMetrics(),
    security,
    timer: () => () => {},
  });
  try {
    // A KVNR that is none: the gateway never lets it so far, the record system says 400.
    await outside.ports.locator.locate('none', 'none').catch(refused);
    for (const recordSystem of ['epa-as-1', 'epa-as-2']) {
      const signer = () => outside.ports.cards.signerFor(diga);
      const open = () => outside.ports.sessions.acquire({ recordSystem, diga, signer, freshAfter: Date.now() });
      const session = await open();
      await session.request({ method: 'GET', path: '/VAU-Status', headers: inner(settings) });
      await session
        .request({ method: 'GET', path: '/epa/authz/v1/send_authorization_request_sc', headers: inner(settings) })
        .catch(refused);
      // Signed on already: 409, and the record system ends the user session. Then a nonce, and an
      // attestation that is none: 400; one that nobody signed: 403.
      await sendCode(session, settings);
      const certificate = Buffer.from((await signer()).certificateDer).toString('base64');
      const header = { typ: 'JWT', alg: 'ES256', x5c: [certificate] };
      const claims = { nonce: '0'.repeat(64), iat: 1, exp: 1201 };
      for (const attestation of [
        'eyJh.eyJu.AAAA',
        compactJws(signingInput(header, claims), new Uint8Array(64).fill(1)),
      ]) {
        await session.request({ method: 'GET', path: '/epa/authz/v1/getNonce', headers: inner(settings) });
        await sendCode(session, settings, attestation);
      }
    }
  } finally {
    await outside.close();
  }
}

async function sendCode(session: Session, settings: Settings, clientAttest = 'eyJh.eyJu.AAAA'): Promise<void> {
  await session
    .request({
      method: 'POST',
      path: '/epa/authz/v1/send_authcode_sc',
      headers: [...inner(settings), ['content-type', 'application/json']],
      body: Buffer.from(JSON.stringify({ authorizationCode: 'never-issued', clientAttest })),
    })
    .catch(refused);
}

const inner = (settings: Settings): [string, string][] => [
  ['accept', 'application/json'],
  ['x-useragent', settings.userAgent],
];

/** A refusal is what these calls are made for; the journal holds it. */
function refused(): void {}
