// Certificates in files of the settings (CRT-01): those of the receivers of events are there as well.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import { ownCertificates } from '../../../../gateway/certificates/own-files.ts';
import { parseSettings } from '../../../../gateway/config.ts';
import { secretFile, temporaryDirectory } from '../../../support/gateway-fakes.ts';
import { rawSettings } from '../../../support/gateway-server.ts';

test('the certificate that the receiver of events shows is in the inventory, once where two share it', () => {
  const directory = temporaryDirectory();
  try {
    const leaf = mintLeaf(mintRoot('Root'), { commonName: 'receiver' });
    const certFile = secretFile(directory.path, 'receiver.pem', leaf.certPem);
    const keyFile = secretFile(directory.path, 'receiver.key', leaf.keyPem);
    const raw = rawSettings(directory.path);
    const events = { listen: { port: 0, tls: { certFile, keyFile } } };
    const [first] = raw.konnektors;
    const read = parseSettings(
      {
        ...raw,
        konnektors: [
          { ...first, events },
          { ...first, id: 'k2', events },
          { ...first, id: 'k3' },
        ],
      },
      {},
      Date.now(),
    );
    if (!read.ok) throw new Error(JSON.stringify(read.faults));
    const all = ownCertificates(read.settings, Date.now(), (path) => readFileSync(path, 'utf8'));
    const own = all.filter(({ use }) => use === 'own-server');
    expect(own.map(({ holder }) => holder)).toEqual(['listen', 'admin', 'events k1, events k2']);
    // Each with its Konnektor: health tells a DiGA of its own alone (EXP-27).
    const both = ['k1', 'k2'].map((id) => ({ name: `events ${id}`, konnektor: id }));
    expect(own.map(({ holders }) => holders)).toEqual([[{ name: 'listen' }], [{ name: 'admin' }], both]);
    const clients = all.find(({ use }) => use === 'konnektor-client');
    expect(clients?.holders).toEqual(['k1', 'k2', 'k3'].map((id) => ({ name: id, konnektor: id })));
    expect(own[2]?.certificate?.serialNumber).toBe(leaf.certificate.serialNumber);
  } finally {
    directory.remove();
  }
});
