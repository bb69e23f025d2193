// Health check of the containers: exit 0 when the address answers 2xx within four seconds. Plain HTTP on loopback only, so
// that it never meets a TLS certificate.
const [address] = process.argv.slice(2);
const url = new URL(address ?? '');
if (url.protocol !== 'http:' || url.hostname !== '127.0.0.1') process.exit(2);
try {
  const answer = await fetch(url, { signal: AbortSignal.timeout(4_000), redirect: 'error' });
  process.exit(answer.ok ? 0 : 1);
} catch {
  process.exit(1);
}
