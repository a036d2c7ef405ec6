// Where the web server's files stand inside the state directory. Rendering and running read the same list.
import { KokoaError } from '../../bundle/error.ts';

/** sockaddr_un.sun_path with its NUL, unix(7). */
const SOCKET_PATH_BYTES_MAX = 107;

/** The authorities that browsers trust, where Debian's ca-certificates puts them. */
export const SYSTEM_CA_FILE = '/etc/ssl/certs/ca-certificates.crt';

/** Where Debian's libnginx-mod-stream puts it. */
export const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so';

export interface NginxPaths {
  /** Through the `current` symlink, so that a reload reads whatever release it names. */
  conf: string;
  run: string;
  pid: string;
  log: string;
  probeSocket: string;
  /** The folder of the following ones. Whoever can open them speaks for any visitor: only root and the workers can. */
  sockets: string;
  /** TLS from the layer 4 half, its own next stop, and the one that closes every connection. */
  httpsSocket: string;
  plainSocket: string;
  closedSocket: string;
  certs: string;
  /** Who may log in, one file per list. */
  users: string;
}

/** @throws KokoaError state_dir_unusable when a socket below `stateDir` would have too long a name */
export function nginxPaths(stateDir: string): NginxPaths {
  const run = `${stateDir}/run`;
  const probeSocket = `${run}/probe.sock`;
  const sockets = `${run}/inner`;
  const longest = `${sockets}/closed.sock`;
  if (Buffer.byteLength(longest) > SOCKET_PATH_BYTES_MAX)
    throw new KokoaError('state_dir_unusable', `${longest} has more than ${SOCKET_PATH_BYTES_MAX} bytes`, {
      hint: 'choose a state directory with a shorter path',
    });
  return {
    conf: `${stateDir}/current/nginx.conf`,
    run,
    pid: `${run}/nginx.pid`,
    log: `${run}/nginx.log`,
    probeSocket,
    sockets,
    httpsSocket: `${sockets}/https.sock`,
    plainSocket: `${sockets}/plain.sock`,
    closedSocket: `${sockets}/closed.sock`,
    certs: `${stateDir}/certs`,
    users: `${stateDir}/users`,
  };
}

/** The folder of one rendered release. */
export function releaseFolder(stateDir: string, releaseId: string): string {
  return `${stateDir}/releases/${releaseId}`;
}
