// Whether a new TCP connection to a URL's host is possible now: a tunnel network that swallows the way out shows here.
import { connect } from 'node:net';

const TIMEOUT_MS = 3_000;

/** True as soon as the host of one of `urls` accepts a connection; false when none does within `timeoutMs`. */
export async function isOneReachable(urls: readonly string[], timeoutMs = TIMEOUT_MS): Promise<boolean> {
  const reached = urls.map(async (url) => {
    if (!(await isReachable(url, timeoutMs))) throw new Error('not reachable');
  });
  return Promise.any(reached).then(
    () => true,
    () => false,
  );
}

function isReachable(url: string, timeoutMs: number): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  const target = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (protocol === 'http:' ? 80 : 443)) };
  return new Promise((resolve) => {
    const socket = connect(target);
    const end = (reached: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reached);
    };
    // Counted from now: a name that does not resolve has no connection that could time out.
    const timer = setTimeout(() => end(false), timeoutMs);
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
