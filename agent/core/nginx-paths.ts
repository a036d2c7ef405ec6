// Where the web server's files stand inside the state directory. Rendering and running read the same list.
import { KokoaError } from '../../bundle/error.ts';

/** sockaddr_un.sun_path with its NUL, unix(7). */
const SOCKET_PATH_BYTES_MAX = 107;

export interface NginxPaths {
  /** Through the `current` symlink, so that a reload reads whatever release it names. */
  conf: string;
  run: string;
  pid: string;
  log: string;
  probeSocket: string;
  certs: string;
}

/** @throws KokoaError state_dir_unusable when a socket below `stateDir` would have too long a name */
export function nginxPaths(stateDir: string): NginxPaths {
  const run = `${stateDir}/run`;
  const probeSocket = `${run}/probe.sock`;
  if (Buffer.byteLength(probeSocket) > SOCKET_PATH_BYTES_MAX)
    throw new KokoaError('state_dir_unusable', `${probeSocket} has more than ${SOCKET_PATH_BYTES_MAX} bytes`, {
      hint: 'choose a state directory with a shorter path',
    });
  return {
    conf: `${stateDir}/current/nginx.conf`,
    run,
    pid: `${run}/nginx.pid`,
    log: `${run}/nginx.log`,
    probeSocket,
    certs: `${stateDir}/certs`,
  };
}

/** The folder of one rendered release. */
export function releaseFolder(stateDir: string, releaseId: string): string {
  return `${stateDir}/releases/${releaseId}`;
}
