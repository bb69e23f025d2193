// GET /CertData.<hash>-<cdv> of a simulated record system (A_24957): certificate and chain of every identity its VAU has shown.
import { createHash } from 'node:crypto';
import type { Faults } from '../faults.ts';
import type { HttpAnswer } from '../http-server.ts';
import { underFault } from '../network-faults.ts';
import type { RecordSystemId } from '../records.ts';
import type { World } from '../world.ts';
import { writeCbor } from './cbor-form.ts';
import { trueIdentity, type VauIdentity, wrongIdentity } from './vau-identity.ts';

export type CertDataPage = {
  /** `certHash` where the keys name another one than the certificate's own. */
  show(identity: VauIdentity, certHash: Uint8Array | undefined): void;
  answer(path: string): Promise<HttpAnswer>;
  cdv(): number;
};

export function createCertData({
  id,
  world,
  faults,
}: {
  id: RecordSystemId;
  world: World;
  faults: Faults;
}): CertDataPage {
  const shown = new Map<string, VauIdentity>();
  let cdv = 1 + Math.floor(world.random() * 3);
  world.onReset(() => {
    shown.clear();
    cdv = 1 + Math.floor(world.random() * 3);
  });
  const pathOf = (certHash: Uint8Array) => `/CertData.${Buffer.from(certHash).toString('hex')}-${cdv}`;
  const hashOf = (identity: VauIdentity) => createHash('sha256').update(identity.issued.certificate.der).digest();

  /** The true certificate can be fetched before anybody has been shown it. */
  function known(path: string): VauIdentity | undefined {
    const identity = trueIdentity(world.pki, id);
    return shown.get(path) ?? (pathOf(hashOf(identity)) === path ? identity : undefined);
  }

  return {
    cdv: () => cdv,
    show(identity, certHash) {
      shown.set(pathOf(certHash ?? hashOf(identity)), identity);
    },
    answer(path) {
      const fault = faults.take('certdata', { recordSystem: id });
      return underFault(fault, 'certdata', async () => {
        const right = known(path);
        if (right === undefined)
          return { status: 404, headers: [], body: '', operation: 'certdata', rule: 'certdata.unknown' };
        const wrong = fault?.kind === 'wrong-certificate' ? wrongIdentity(world.pki, 'root', world.now()) : right;
        const onlyChain = fault?.params?.which === 'ca';
        const body = writeCbor(world.profileOf(id).cborMaps, {
          cert: (onlyChain ? right : wrong).issued.certificate.der,
          ca: wrong.ca.der,
          rca_chain: wrong.chain.map((certificate) => certificate.der),
        });
        return { status: 200, headers: [['Content-Type', 'application/cbor']], body, operation: 'certdata' };
      });
    },
  };
}
