// Which addresses an outgoing connection may reach (decisions.md D18): checked on what the name resolves to, at connect.
// A leaf, used by gateway/egress.ts only.
import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

export type EgressEnvironment = 'PU' | 'RU' | 'TU' | 'SIM';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Link-local holds the metadata services of clouds (169.254.169.254): the classic target of a redirected request. */
const linkLocal = new BlockList();
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
linkLocal.addSubnet('fe80::', 10, 'ipv6');
linkLocal.addAddress('fd00:ec2::254', 'ipv6');

/** No host: unspecified, multicast, broadcast. Never a target, in no environment. */
const noHost = new BlockList();
noHost.addSubnet('0.0.0.0', 8, 'ipv4');
noHost.addSubnet('224.0.0.0', 4, 'ipv4');
noHost.addAddress('255.255.255.255', 'ipv4');
noHost.addAddress('::', 'ipv6');
noHost.addSubnet('ff00::', 8, 'ipv6');

const within = (list: BlockList, address: string): boolean =>
  list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

export const isLoopback = (address: string): boolean => isIP(address) !== 0 && within(loopback, address);

export const isLinkLocal = (address: string): boolean => isIP(address) !== 0 && within(linkLocal, address);

/** Carries why a connection was refused before a packet left. */
export class AddressRefused extends Error {
  readonly code = 'EGRESS_ADDRESS';
}

/**
 * What one configured origin may reach. `loopbackOnly`: plain http, which SIM alone allows (D16). `neverLinkLocal`: not even in
 * SIM, for addresses that others than the operator may have a word in.
 */
export type AddressRule = { environment: EgressEnvironment; loopbackOnly: boolean; neverLinkLocal?: boolean };

/** Whether a resolved address is acceptable. An IP literal in the configuration is the operator's own word and is not asked here. */
export function addressAllowed(address: string, rule: AddressRule): boolean {
  if (isIP(address) === 0 || within(noHost, address)) return false;
  if (rule.neverLinkLocal === true && within(linkLocal, address)) return false;
  if (rule.loopbackOnly) return isLoopback(address);
  if (rule.environment === 'SIM') return true;
  return !within(loopback, address) && !within(linkLocal, address);
}

/** A resolver for `net.connect` that refuses the name when any of its addresses is refused (a mixed answer is a rebinding attempt). */
export function checkedLookup(rule: AddressRule): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const first = found?.[0];
      if (error !== null) callback(error, '');
      else if (first === undefined || found.some(({ address }) => !addressAllowed(address, rule)))
        callback(new AddressRefused(`${hostname} resolves to an address that is not allowed here`), '');
      else if (options.all === true) callback(null, found);
      else callback(null, first.address, first.family);
    });
  };
}

/** Whether the host of a URL is an address, for which no name is resolved. */
export const isAddress = (host: string): boolean => isIP(host.replace(/^\[|\]$/g, '')) !== 0;
