// How far a connection came before it failed (OPS-06): whoever sets a gateway up looks elsewhere where nobody is there than where
// somebody accepts the connection and then says nothing, or ends it, before TLS stands. A leaf of gateway/egress.ts.
import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { kindOf } from './egress-error.ts';

/** The connection stood, TLS did not: EGRESS_TLS_SILENT (no answer in time) or EGRESS_TLS_ENDED (without an alert). */
export class HandshakeBroken extends Error {
  readonly code: 'EGRESS_TLS_SILENT' | 'EGRESS_TLS_ENDED';

  constructor(code: HandshakeBroken['code'], cause: Error) {
    super('TLS was not agreed on', { cause });
    this.code = code;
  }
}

export type Stage = { accepted: boolean };

/**
 * Connects, and says of a failure whether it was met before or after somebody had accepted the connection; certificates and
 * alerts speak for themselves. `stage` is that of the latest attempt.
 */
export function telling(connector: buildConnector.connector, stage: Stage): buildConnector.connector {
  return (options, callback) => {
    // What comes through a proxy is connected already.
    stage.accepted = options.httpSocket !== undefined;
    const secure = options.protocol === 'https:';
    const socket: unknown = connector(options, (...result) => {
      const [error] = result;
      if (error === null || !secure || !stage.accepted) return callback(...result);
      const kind = kindOf(error);
      if (kind === 'TIMEOUT') callback(new HandshakeBroken('EGRESS_TLS_SILENT', error), null);
      else if (kind === 'RESET') callback(new HandshakeBroken('EGRESS_TLS_ENDED', error), null);
      else callback(...result);
    });
    // undici hands the socket out, its types do not say so.
    (socket as Socket | undefined)?.once('connect', () => {
      stage.accepted = true;
    });
  };
}
