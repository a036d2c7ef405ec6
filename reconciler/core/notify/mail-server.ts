// `server` of a channel of kind smtp: HOST or HOST:PORT.
const PORT = 587;
const NAME =
  /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

export interface MailServer {
  /** A name, or an address without brackets. */
  host: string;
  port: number;
  isLoopback: boolean;
}

/** Undefined when it names no server. */
export function readMailServer(text: string): MailServer | undefined {
  const found = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([^:[\]]+))(?::([1-9][0-9]{0,4}))?$/.exec(text);
  const [, address, name] = found ?? [];
  const port = Number(found?.[3] ?? PORT);
  const isHost = address === undefined ? NAME.test(name ?? '') : URL.canParse(`http://[${address}]/`);
  if (!isHost || port > 65_535) return undefined;
  const host = address ?? name!;
  return { host, port, isLoopback: /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(host) };
}
